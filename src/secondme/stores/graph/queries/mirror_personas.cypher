// write
// Those given stand, and no others.
MERGE (u:User {id: 'user-1'})
WITH u
OPTIONAL MATCH (gone:Persona) WHERE NOT gone.id IN $ids
DELETE gone
WITH DISTINCT u
UNWIND $personas AS row
MERGE (p:Persona {id: row.id})
SET p.name = row.name, p.styleGuide = row.styleGuide, p.tone = row.tone,
    p.exampleMessages = row.exampleMessages, p.applicableTo = row.applicableTo,
    p.createdAt = localdatetime(row.createdAt), p.updatedAt = localdatetime(row.updatedAt)
MERGE (u)-[:HAS_PERSONA]->(p)
