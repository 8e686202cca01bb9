// read
// The index finds most of the nearest, so more are taken than are wanted, and their order is reckoned exactly.
CALL db.idx.vector.queryNodes('Fact', 'embedding', $wide, vecf32($vector)) YIELD node AS f
WITH f, vec.cosineDistance(f.embedding, vecf32($vector)) AS far
ORDER BY far
WITH collect([f.id, 1.0 - far])[0 .. $limit] AS nearest
UNWIND nearest AS one
RETURN one[0], one[1]
