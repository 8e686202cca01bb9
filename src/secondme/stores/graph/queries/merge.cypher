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
MERGE (a)-[m:SAME_AS]->(b)
ON CREATE SET m.merged = true
RETURN count(m)
