// write
// A contact knows whom they named.
UNWIND $names AS row
MATCH (e:Entity {id: row.id})
SET e:Person
WITH e, row
MATCH (c:Contact {id: row.teller})
MERGE (c)-[:KNOWS]->(e)
