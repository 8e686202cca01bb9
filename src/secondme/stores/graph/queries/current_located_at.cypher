// write
// The relationship is there exactly while a fact says so.
UNWIND $chains AS chain
MATCH (a:Event {id: chain.subject})
OPTIONAL MATCH (f:Fact {key: chain.key}) WHERE f.validTo IS NULL
WITH a, chain, collect(DISTINCT f.object) AS current
OPTIONAL MATCH (a)-[r:LOCATED_AT]->(b:Location) WHERE b.id = coalesce(chain.object, b.id) AND NOT b.id IN current
DELETE r
WITH DISTINCT a, current
UNWIND current AS id
MATCH (b:Location {id: id})
MERGE (a)-[:LOCATED_AT]->(b)
