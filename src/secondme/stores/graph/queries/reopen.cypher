// write
// What was ended by a fact that is gone goes on; `settle` then finds the next that ends it.
UNWIND $keys AS key
MATCH (f:Fact {key: key}) WHERE f.ender IN $places
SET f.ender = NULL, f.endedBy = NULL, f.validTo = NULL
