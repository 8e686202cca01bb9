// read
// id: of each migration that was applied, oldest first
MATCH (m:Migration) RETURN m.id AS id ORDER BY id
