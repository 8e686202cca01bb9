// read
MATCH (c:Contact) WHERE toLower(c.name) = $name
OPTIONAL MATCH (c)-[:SAME_AS*0..8]-(one)
RETURN DISTINCT one.id
