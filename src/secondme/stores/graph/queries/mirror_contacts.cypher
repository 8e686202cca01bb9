// write
// A contact's own person in what they tell is called as they are.
// `mirrored` says that the ledger has them: what somebody else has written goes never.
MERGE (u:User {id: 'user-1'})
WITH u
UNWIND $contacts AS row
MERGE (c:Contact {id: row.id})
SET c.phoneNumber = row.phoneNumber, c.name = row.name, c.relationshipType = row.relationshipType,
    c.botEnabled = row.botEnabled, c.assignedPersona = row.assignedPersona,
    c.lastInteraction = localdatetime(row.lastInteraction), c.createdAt = localdatetime(row.createdAt),
    c.updatedAt = localdatetime($at), c.mirrored = true
MERGE (u)-[:HAS_CONTACT]->(c)
WITH c
MATCH (c)-[:SAME_AS]->(own:Person {self: true})
SET own.name = c.name
