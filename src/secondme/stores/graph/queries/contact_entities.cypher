// read
// Documented: the people around a contact, then the ten topics mentioned last. Both halves have the columns of either.
MATCH (c:Contact {id: $contactId})-[:KNOWS]->(p:Person)-[:WORKS_AT]->(comp:Company)
RETURN p.name AS name, p.occupation AS occupation, comp.name AS company, comp.industry AS industry, null AS category
UNION
MATCH (c:Contact {id: $contactId})-[m:MENTIONED]->(t:Topic)
WITH t ORDER BY t.lastMentioned DESC LIMIT 10
RETURN t.name AS name, null AS occupation, null AS company, null AS industry, t.category AS category
