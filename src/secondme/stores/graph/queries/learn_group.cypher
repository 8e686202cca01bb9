// write
UNWIND $facts AS row
MATCH (f:Fact {id: row.id})
MERGE (g:Group {id: row.group})
MERGE (g)-[m:MAY_HEAR]->(f)
ON CREATE SET m.shared = false
