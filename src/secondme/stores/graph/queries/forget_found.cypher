// read
// What the fact's source named for no other fact of its own goes with it.
MATCH (f:Fact {id: $fact})
OPTIONAL MATCH (o:Fact {source: f.source}) WHERE o.id <> f.id
WITH f, collect(o.subject) + collect(o.object) AS others
RETURN f.source, f.key, f.predicate, f.subject, f.object, f.place,
  [id IN [f.subject, f.object] WHERE id IS NOT NULL AND NOT id IN others]
