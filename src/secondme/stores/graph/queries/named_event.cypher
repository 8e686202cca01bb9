// write
UNWIND $names AS row
MATCH (e:Entity {id: row.id})
SET e:Event
WITH e, row
MATCH (c:Contact {id: row.teller})
MERGE (c)-[:DISCUSSED]->(e)
