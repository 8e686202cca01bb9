// write
UNWIND $ids AS id
MATCH (e:Entity {id: id})
OPTIONAL MATCH (s:Source)-[:NAMES]->(e)
WITH e, count(s) AS times WHERE times = 0
DETACH DELETE e
RETURN count(e)
