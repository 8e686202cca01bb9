// read
MATCH (f:Fact {id: $fact})
OPTIONAL MATCH (ended:Fact {key: f.key}) WHERE ended.endedBy = f.id
WITH f, collect(ended.id) AS ended
OPTIONAL MATCH (l)-[m:MAY_HEAR]->(f)
RETURN f.endedBy, ended, collect(CASE WHEN m.shared THEN l.id ELSE NULL END)
