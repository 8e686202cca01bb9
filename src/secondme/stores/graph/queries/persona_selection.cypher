// read
// Documented: how to speak with somebody of this relationship. What was learned comes before what came with SecondMe.
MATCH (u:User {id: $userId})-[:HAS_PERSONA]->(p:Persona)
WHERE $relationshipType IN p.applicableTo
WITH p, CASE p.id WHEN 'persona-own-' + $relationshipType THEN 0 WHEN 'persona-own' THEN 1 ELSE 2 END AS place
ORDER BY place, p.id LIMIT 1
RETURN p.id, p.styleGuide, p.tone, p.exampleMessages
