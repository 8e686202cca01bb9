// read
// Documented: who has written, or was written to, within seven days.
MATCH (u:User {id: $userId})-[:HAS_CONTACT]->(c:Contact)
WHERE c.lastInteraction > localdatetime() - duration('P7D')
RETURN c.id, c.name, c.lastInteraction
ORDER BY c.lastInteraction DESC
LIMIT 10
