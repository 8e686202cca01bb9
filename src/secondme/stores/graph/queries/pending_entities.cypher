// read
MATCH (e:Entity {pending: true})
WITH e LIMIT $limit
RETURN e.id, e.name
