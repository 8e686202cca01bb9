// write
OPTIONAL MATCH (c:Contact {id: $one})
OPTIONAL MATCH (e:Entity {id: $one})
WITH coalesce(c, e) AS a
MATCH (a)-[m:SAME_AS {merged: true}]->(b) WHERE b.id = $other
DELETE m
RETURN count(m)
