// write
MERGE (m:Migration {id: $id}) ON CREATE SET m.at = localdatetime($at)
