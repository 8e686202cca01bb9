// write
// Of two facts of a chain the later said may end the earlier: by stating something else, or by saying that it has
// ended. What ends a fact is the first such after it, so only the pairs with a new fact in them are looked at.
// Its relationship goes; where another fact of the chain says the same, that is what makes it again.
UNWIND $facts AS row
MATCH (n:Fact {id: row.id})
WITH row, n
MATCH (o:Fact {key: row.key}) WHERE o.place <> n.place
WITH CASE WHEN o.place < n.place THEN o ELSE n END AS f, CASE WHEN o.place < n.place THEN n ELSE o END AS g
WHERE f.holds AND (f.ender IS NULL OR g.place < f.ender)
  AND ((g.holds AND g.what <> f.what) OR (NOT g.holds AND (g.what = '' OR g.what = f.what)))
WITH f, g ORDER BY g.place
WITH f, head(collect(g)) AS g
SET f.ender = g.place, f.endedBy = g.id, f.validTo = CASE WHEN g.validFrom > f.validFrom THEN g.validFrom ELSE f.validFrom END
WITH f
MATCH (a:Entity {id: f.subject})-[r:WORKS_AT|LIVES_IN|KNOWS|ATTENDED|LOCATED_AT]->(b:Entity {id: f.object})
WHERE type(r) = f.predicate
DELETE r
