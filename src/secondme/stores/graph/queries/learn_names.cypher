// write
// An entity is called as it was called first, and of several categories has the first by the alphabet: both whatever
// the order in which sources are learned.
UNWIND $names AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
MERGE (e:Entity {id: row.id})
ON CREATE SET e.name = row.name, e.words = row.words, e.category = row.category, e.pending = true,
  e.createdAt = s.at, e.lastMentioned = s.at
ON MATCH SET
  e.name = CASE WHEN s.at < e.createdAt OR (s.at = e.createdAt AND row.name < e.name) THEN row.name ELSE e.name END,
  e.category = CASE WHEN row.category IS NOT NULL AND
    (e.category IS NULL OR e.category = 'Other' OR row.category < e.category) THEN row.category ELSE e.category END,
  e.createdAt = CASE WHEN s.at < e.createdAt THEN s.at ELSE e.createdAt END,
  e.lastMentioned = CASE WHEN s.at > e.lastMentioned THEN s.at ELSE e.lastMentioned END
CREATE (s)-[:NAMES {name: row.name, category: row.category}]->(e)
