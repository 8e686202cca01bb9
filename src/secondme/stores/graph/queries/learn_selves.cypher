// write
// Whoever speaks of themselves is a person in their own world, and that person is the contact.
UNWIND $selves AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
OPTIONAL MATCH (c:Contact {id: s.teller})
MERGE (e:Entity {id: row.id})
ON CREATE SET e.name = coalesce(c.name, row.name), e.words = '', e.self = true, e.pending = false,
  e.createdAt = s.at, e.lastMentioned = s.at
ON MATCH SET
  e.createdAt = CASE WHEN s.at < e.createdAt THEN s.at ELSE e.createdAt END,
  e.lastMentioned = CASE WHEN s.at > e.lastMentioned THEN s.at ELSE e.lastMentioned END
SET e:Person
CREATE (s)-[:NAMES]->(e)
FOREACH (_ IN CASE WHEN row.told THEN [1] ELSE [] END |
  MERGE (teller:Contact {id: s.teller})
  MERGE (teller)-[:SAME_AS]->(e))
