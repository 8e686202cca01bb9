// write
UNWIND $ids AS id MATCH (f:Fact {source: id}) WITH f DETACH DELETE f RETURN count(f)
