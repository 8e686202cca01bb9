// write
UNWIND $ids AS id MATCH (s:Source {id: id}) WITH s DETACH DELETE s RETURN count(s)
