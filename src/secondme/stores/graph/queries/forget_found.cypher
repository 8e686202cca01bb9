// read
// However often its teller said it. What a fact's source named for no other fact of its own goes with it.
MATCH (one:Fact {id: $fact})
MATCH (f:Fact {key: one.key}) WHERE f.same = one.same
OPTIONAL MATCH (o:Fact {source: f.source}) WHERE o.id <> f.id
WITH f, collect(o.subject) + collect(o.object) AS others
RETURN f.id, f.source, [id IN [f.subject, f.object] WHERE id IS NOT NULL AND NOT id IN others],
  f.key, f.predicate, f.subject, f.object, f.place
