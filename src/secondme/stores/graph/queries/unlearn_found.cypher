// read
UNWIND $ids AS id
MATCH (s:Source {id: id})
OPTIONAL MATCH (s)-[:NAMES]->(e:Entity)
WITH s, collect(e.id) AS entities
OPTIONAL MATCH (f:Fact {source: s.id})
RETURN entities, collect([f.key, f.predicate, f.subject, f.object, f.place])
