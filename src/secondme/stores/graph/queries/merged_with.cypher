// read
// As `heard_by` has it: by links between contacts alone.
MATCH path = (:Contact {id: $contact})-[:SAME_AS*1..8]-(one:Contact)
WHERE one.id <> $contact AND all(n IN nodes(path) WHERE n:Contact)
RETURN DISTINCT one.id
