// write
// Two of one kind are one: two contacts, two entities of a type, a contact and a person. A contact's own person is
// linked to them already, and `merged` tells the owner's links from that one.
OPTIONAL MATCH (ca:Contact {id: $one})
OPTIONAL MATCH (ea:Entity {id: $one})
OPTIONAL MATCH (cb:Contact {id: $other})
OPTIONAL MATCH (eb:Entity {id: $other})
WITH coalesce(ca, ea) AS a, coalesce(cb, eb) AS b
WHERE any(kind IN ['Contact', 'Person', 'Company', 'Topic', 'Event', 'Location']
    WHERE kind IN labels(a) AND kind IN labels(b))
  OR (a:Contact AND b:Person AND b.self IS NULL) OR (b:Contact AND a:Person AND a.self IS NULL)
// Who are one already, over others, get no link: links make trees. Among ten who are all linked to each other there are
// more ways than can be walked before a reply is due.
OPTIONAL MATCH way = (a)-[:SAME_AS*1..8]-(b)
WHERE all(n IN nodes(way) WHERE n:Contact) OR all(n IN nodes(way) WHERE n:Entity) OR ('Contact' IN labels(a)) <> ('Contact' IN labels(b))
WITH a, b, count(way) AS ways
FOREACH (_ IN CASE WHEN ways = 0 THEN [true] ELSE [] END | CREATE (a)-[:SAME_AS {merged: true}]->(b))
RETURN count(a), max(ways)
