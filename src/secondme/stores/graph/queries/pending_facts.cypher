// read
MATCH (f:Fact {pending: true})
WITH f LIMIT $limit
OPTIONAL MATCH (a:Entity {id: f.subject})
OPTIONAL MATCH (b:Entity {id: coalesce(f.object, '')})
OPTIONAL MATCH (t:Contact {id: f.teller})
RETURN f.id, f.predicate, f.holds, f.self, f.value, a.name, b.name, t.name, f.teller, f.source, f.saidAt, f.validFrom,
  f.validTo, f.confidence
