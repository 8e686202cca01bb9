// write
// What was ended by a fact that is gone goes on, until the next that ends it, as `learn_settle` has it.
UNWIND $keys AS key
MATCH (f:Fact {key: key}) WHERE f.ender IN $places
OPTIONAL MATCH (g:Fact {key: key}) WHERE g.place > f.place
  AND ((g.holds AND g.what <> f.what) OR (NOT g.holds AND (g.what = '' OR g.what = f.what)))
WITH f, g ORDER BY g.place
WITH f, head(collect(g)) AS g
SET f.ender = g.place, f.endedBy = g.id,
  f.validTo = CASE WHEN g IS NULL THEN NULL WHEN g.validFrom > f.validFrom THEN g.validFrom ELSE f.validFrom END
