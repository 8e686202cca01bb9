// read
UNWIND $ids AS id
MATCH (f:Fact {object: id}) WHERE f.predicate = coalesce($predicate, f.predicate)
RETURN f.id
