// write
UNWIND $ids AS id MATCH (e:Entity {id: id}) SET e:Topic, e.category = coalesce(e.category, 'Other')
