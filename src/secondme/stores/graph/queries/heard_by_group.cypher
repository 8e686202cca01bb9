// write
UNWIND $facts AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
MATCH (f:Fact {id: row.id})
MERGE (l:Group {id: s.audience})
CREATE (l)-[:MAY_HEAR {shared: false}]->(f)
