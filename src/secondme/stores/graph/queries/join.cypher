// write
MERGE (g:Group {id: $group})
WITH g
UNWIND $contacts AS id
MERGE (c:Contact {id: id})
MERGE (c)-[:MEMBER_OF]->(g)
