// write
UNWIND $chains AS chain
MATCH (a:Person {id: chain.subject})
OPTIONAL MATCH (a)-[:LIVES_IN]->(b:Location)
WITH a, head(collect(b.name)) AS name
SET a.location = name
