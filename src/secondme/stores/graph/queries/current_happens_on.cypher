// write
UNWIND $chains AS chain
MATCH (a:Event {id: chain.subject})
OPTIONAL MATCH (f:Fact {key: chain.key}) WHERE f.validTo IS NULL
WITH a, f ORDER BY f.place DESC
WITH a, head(collect(f.value)) AS value
SET a.date = date(value)
