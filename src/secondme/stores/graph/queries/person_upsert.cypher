// write
// Documented: a person, by id: one name may be several people's. What is not given stays as it is.
MERGE (p:Person {id: $id})
ON CREATE SET p:Entity, p.name = $name, p.createdAt = localdatetime($at), p.pending = true
SET p.lastMentioned = localdatetime($at),
    p.occupation = COALESCE($occupation, p.occupation),
    p.location = COALESCE($location, p.location)
RETURN p.id, p.name, p.occupation, p.location
