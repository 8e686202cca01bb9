// read
// id: of every contact that the mirror has written
MATCH (c:Contact {mirrored: true}) RETURN c.id AS id
