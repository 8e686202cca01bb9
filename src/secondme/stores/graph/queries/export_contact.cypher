// read
MATCH (c:Contact {id: $contact})
OPTIONAL MATCH (c)-[:MEMBER_OF]->(g:Group)
WITH c, collect(g.id) AS groups
OPTIONAL MATCH (c)-[:SAME_AS {merged: true}]-(o)
RETURN properties(c), groups, collect(DISTINCT o.id)
