// write
MATCH (c:Contact) WHERE c.id IN $ids AND c.mirrored DETACH DELETE c
