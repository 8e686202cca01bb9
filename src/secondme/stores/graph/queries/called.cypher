// read
// What has this id, or bears this name; and who spoke of it.
OPTIONAL MATCH (a:Entity {id: $id})
OPTIONAL MATCH (b:Entity {words: $words})
WITH collect(a) + collect(b) AS found
UNWIND found AS e
WITH DISTINCT e
OPTIONAL MATCH (s:Source)-[:NAMES]->(e)
RETURN e.id, [l IN labels(e) WHERE l <> 'Entity'][0], e.name, collect(DISTINCT s.teller)
ORDER BY e.id
