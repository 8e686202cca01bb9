// write
// Each chain once, in order of `place`, whatever its length. What ends a fact is the first after it that states something
// else or says that it has ended. So a chain is walked along two kinds of lines: all that is stated and every end of
// whatever there is; and for each thing that is stated, that and its own end. On a line neighbours that say the same are
// a run, and a run that holds is ended by the first of the next. Of two such the earlier is written last.
// The relationship of what has ended goes; where another fact of the chain says the same, that is what makes it again.
UNWIND $keys AS key
MATCH (f:Fact {key: key})
UNWIND CASE WHEN f.what = '' THEN [''] WHEN f.holds THEN ['', f.what] ELSE [f.what] END AS line
WITH key, line, f ORDER BY f.place
WITH key, line, collect(f) AS facts, collect(f.what + f.holds) AS says
WITH facts, [i IN range(0, size(facts) - 1) WHERE i = 0 OR says[i] <> says[i - 1]] AS runs
UNWIND range(1, size(runs) - 1) AS i
WITH facts[runs[i - 1] .. runs[i]] AS run, facts[runs[i]] AS g
UNWIND run AS f
WITH f, g WHERE f.holds AND (f.ender IS NULL OR g.place < f.ender)
WITH f, g ORDER BY g.place DESC
SET f.ender = g.place, f.endedBy = g.id, f.validTo = CASE WHEN g.validFrom > f.validFrom THEN g.validFrom ELSE f.validFrom END
WITH f
MATCH (a:Entity {id: f.subject})-[r:WORKS_AT|LIVES_IN|KNOWS|ATTENDED|LOCATED_AT]->(b:Entity {id: f.object})
WHERE type(r) = f.predicate
DELETE r
