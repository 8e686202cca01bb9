// write
// What was noted last of it, by whoever.
UNWIND $chains AS chain
MATCH (a:Entity {id: chain.subject})
OPTIONAL MATCH (f:Fact {subject: a.id}) WHERE f.predicate = 'NOTE' AND f.validTo IS NULL
WITH a, f ORDER BY f.place DESC
WITH a, head(collect(f.value)) AS value
SET a.notes = value
