// read
MATCH (s:Source {teller: $contact})
MATCH (f:Fact {source: s.id})
RETURN f.id
