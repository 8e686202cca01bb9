// read
// Documented: what is known around a contact. A person without a company and a contact without topics are kept.
MATCH (c:Contact {id: $contactId})
OPTIONAL MATCH (c)-[:KNOWS]->(p:Person)
OPTIONAL MATCH (p)-[:WORKS_AT]->(comp:Company)
WITH c, p, comp ORDER BY p.name, comp.name
WITH c, collect(DISTINCT CASE WHEN p IS NULL THEN null
    ELSE {person: p.name, occupation: p.occupation, company: comp.name} END) AS people
OPTIONAL MATCH (c)-[m:MENTIONED]->(t:Topic)
WITH c, people, m, t ORDER BY m.times DESC, t.name
RETURN c.name, c.relationshipType, people,
    collect(DISTINCT CASE WHEN t IS NULL THEN null
      ELSE {topic: t.name, category: t.category, times: m.times} END) AS topics
