// read
UNWIND $ids AS id
MATCH (:Source {id: id})-[:NAMES]->(e:Entity)
WITH DISTINCT e
RETURN e.id, [l IN labels(e) WHERE l <> 'Entity'][0], e.name, e.category, e.occupation, e.location, e.industry,
  toString(e.date), e.notes, e.createdAt, e.lastMentioned
ORDER BY e.createdAt, e.id
