// write
// Whoever speaks of themselves is a person in their own world, and that person is the contact.
UNWIND $names AS row
MATCH (e:Entity {id: row.id})
MERGE (c:Contact {id: row.teller})
MERGE (c)-[:SAME_AS]->(e)
SET e:Person, e.name = coalesce(c.name, e.name)
