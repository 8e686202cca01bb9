// write
// Whoever speaks of themselves is a person in their own world, and that person is the contact.
UNWIND $selves AS row
MATCH (e:Entity {id: row.id})
MERGE (c:Contact {id: row.teller})
MERGE (c)-[:SAME_AS]->(e)
WITH e, c WHERE c.name <> e.name
SET e.name = c.name
