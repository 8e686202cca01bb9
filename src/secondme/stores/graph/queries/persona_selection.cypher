// read
// Documented: how to speak with somebody of this relationship.
MATCH (u:User {id: $userId})-[:HAS_PERSONA]->(p:Persona)
WHERE $relationshipType IN p.applicableTo
RETURN p.id, p.styleGuide, p.tone, p.exampleMessages
ORDER BY p.id LIMIT 1
