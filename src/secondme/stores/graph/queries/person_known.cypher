// write
// Documented: a contact knows a person.
MATCH (c:Contact {id: $contactId})
MATCH (p:Person {id: $personId})
MERGE (c)-[:KNOWS]->(p)
