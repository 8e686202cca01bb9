// write
UNWIND $chains AS chain
MATCH (a:Person {id: chain.subject})
OPTIONAL MATCH (f:Fact {key: chain.key}) WHERE f.validTo IS NULL
WITH a, f ORDER BY f.place DESC
WITH a, head(collect(f.value)) AS value
SET a.occupation = value
