// read
// Documented: the owner's personas.
MATCH (u:User {id: $userId})-[:HAS_PERSONA]->(p:Persona)
RETURN p.id, p.name, p.styleGuide, p.applicableTo
ORDER BY p.id
