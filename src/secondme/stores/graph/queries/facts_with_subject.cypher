// read
UNWIND $ids AS id
MATCH (f:Fact {subject: id}) WHERE f.predicate = coalesce($predicate, f.predicate)
RETURN f.id
