// write
UNWIND $names AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
MATCH (c:Contact {id: s.teller})
MATCH (e:Person {id: row.id})
MERGE (c)-[:KNOWS]->(e)
