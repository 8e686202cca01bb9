// read
// Whatever bears the name, and whatever the owner says is the same.
MATCH (e:Entity {words: $words})
OPTIONAL MATCH (e)-[:SAME_AS*0..8]-(one)
RETURN DISTINCT one.id
