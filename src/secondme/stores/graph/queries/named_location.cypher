// write
UNWIND $names AS row MATCH (e:Entity {id: row.id}) SET e:Location
