// write
// What facts that are gone had made; where another of their chain says the same, that makes it again.
UNWIND $facts AS row
MATCH (a:Entity {id: row.subject})-[r:WORKS_AT|LIVES_IN|KNOWS|ATTENDED|LOCATED_AT]->(b:Entity {id: row.object})
WHERE type(r) = row.predicate
DELETE r
