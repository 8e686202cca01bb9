// write
UNWIND $ids AS id MATCH (e:Entity {id: id}) SET e:Person
