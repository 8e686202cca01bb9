// read
// How many are known from what was said in one chat.
MATCH (s:Source {audience: $audience})-[:NAMES]->(e:Entity) RETURN count(DISTINCT e)
