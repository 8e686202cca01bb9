// write
// Whoever heard it when it was said keeps that edge as it is.
MATCH (f:Fact {id: $fact})
MERGE (l:Contact {id: $audience})
MERGE (l)-[m:MAY_HEAR]->(f)
ON CREATE SET m.shared = true
RETURN count(m)
