// read
MATCH (s:Source {teller: $contact})
WITH s
MATCH (f:Fact {source: s.id})
RETURN f.id
