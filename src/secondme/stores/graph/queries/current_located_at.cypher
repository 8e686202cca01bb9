// write
// The relationship is there while a fact says so; whatever ends or takes the fact deletes it.
UNWIND $chains AS chain
MATCH (f:Fact {key: chain.key}) WHERE f.validTo IS NULL
WITH f.subject AS subject, f.object AS object
MATCH (a:Event {id: subject})
WITH a, object
MATCH (b:Location {id: object})
MERGE (a)-[:LOCATED_AT]->(b)
