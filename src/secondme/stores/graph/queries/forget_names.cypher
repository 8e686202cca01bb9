// write
UNWIND $rows AS row
MATCH (s:Source {id: row.source})-[n:NAMES]->(e:Entity) WHERE e.id IN row.entities
DELETE n
