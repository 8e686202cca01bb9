// write
MATCH (s:Source {id: $source})-[n:NAMES]->(e:Entity) WHERE e.id IN $entities
DELETE n
