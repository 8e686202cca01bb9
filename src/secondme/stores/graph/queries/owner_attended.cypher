// write
// The owner is the User, who attended what they say of themselves that they did.
UNWIND $events AS event
MATCH (u:User {id: 'user-1'})
MATCH (b:Event {id: event})
OPTIONAL MATCH (f:Fact {object: event})
  WHERE f.predicate = 'ATTENDED' AND f.teller = 'owner' AND f.self AND f.validTo IS NULL
WITH u, b, count(f) > 0 AS attended
OPTIONAL MATCH (u)-[r:ATTENDED]->(b) WHERE NOT attended
DELETE r
WITH DISTINCT u, b, attended
WHERE attended
MERGE (u)-[:ATTENDED]->(b)
