// write
// Every vector was made in another number of dimensions: all are to be made anew.
MATCH (n) WHERE n.embedding IS NOT NULL SET n.embedding = null, n.pending = true
