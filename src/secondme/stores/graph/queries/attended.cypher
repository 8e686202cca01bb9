// read
// id: of every event that somebody attended
MATCH ()-[:ATTENDED]->(e:Event) RETURN DISTINCT e.id
