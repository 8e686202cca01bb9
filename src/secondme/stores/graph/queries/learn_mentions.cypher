// write
UNWIND $names AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
MATCH (e:Entity {id: row.id})
MERGE (c:Contact {id: s.teller})
MERGE (c)-[m:MENTIONED]->(e)
ON CREATE SET m.times = 1, m.lastMentioned = s.at
ON MATCH SET m.times = m.times + 1,
  m.lastMentioned = CASE WHEN s.at > m.lastMentioned THEN s.at ELSE m.lastMentioned END
