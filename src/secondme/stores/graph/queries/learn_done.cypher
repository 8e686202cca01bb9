// write
UNWIND $ids AS id MATCH (s:Source {id: id}) WHERE s.fresh SET s.fresh = NULL RETURN count(s)
