// write
MATCH (a)-[m:SAME_AS {merged: true}]->(b) WHERE a.id = $one AND b.id = $other
DELETE m
RETURN count(m)
