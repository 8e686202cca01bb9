// read
// id: of every contact that the mirror has written, or that only learning has, or of whom a message is
MATCH (c:Contact) WHERE c.mirrored OR c.name IS NULL RETURN c.id AS id
UNION
MATCH (s:Source) UNWIND [s.teller, s.audience] AS id
WITH DISTINCT id WHERE id <> $owner AND id <> $everyone AND NOT id STARTS WITH $group
RETURN id
