// read
OPTIONAL MATCH path = (:Contact {id: $contact})-[:SAME_AS*0..8]-(one:Contact)
WHERE all(n IN nodes(path) WHERE n:Contact)
OPTIONAL MATCH (one)-[:MEMBER_OF]->(group:Group)
OPTIONAL MATCH (every:Group {id: 'everyone'})
WITH collect(DISTINCT one) + collect(DISTINCT group) + collect(DISTINCT every) AS listeners
UNWIND listeners AS listener
MATCH (listener)-[:MAY_HEAR]->(f:Fact)
RETURN DISTINCT f.id
