// read
UNWIND $ids AS id
MATCH (f:Fact {id: id})
OPTIONAL MATCH (l)-[:MAY_HEAR]->(f)
WITH f, collect(l.id) AS audience
OPTIONAL MATCH (a:Entity {id: f.subject})
OPTIONAL MATCH (b:Entity {id: coalesce(f.object, '')})
OPTIONAL MATCH (t:Contact {id: f.teller})
RETURN f.id, f.predicate, f.holds, f.self, f.value, a.name, b.name, t.name, f.teller, f.source, f.saidAt, f.validFrom,
  f.validTo, f.confidence, audience
ORDER BY f.validTo IS NULL DESC, f.place DESC
