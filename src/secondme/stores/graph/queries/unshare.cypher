// write
MATCH (l)-[m:MAY_HEAR {shared: true}]->(:Fact {id: $fact}) WHERE l.id = $audience
DELETE m
RETURN count(m)
