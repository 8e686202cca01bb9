// write
// The relationship is there while a fact says so; whatever ends or takes the fact deletes it.
UNWIND $chains AS chain
MATCH (a:Person {id: chain.subject})
OPTIONAL MATCH (f:Fact {key: chain.key}) WHERE f.validTo IS NULL
WITH a, f.object AS object
OPTIONAL MATCH (b:Location {id: object})
WITH a, collect(DISTINCT b) AS places
SET a.location = head(places).name
WITH a, places
UNWIND places AS b
MERGE (a)-[:LIVES_IN]->(b)
