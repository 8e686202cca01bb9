// write
MATCH (c:Contact {id: $contact}) DETACH DELETE c
