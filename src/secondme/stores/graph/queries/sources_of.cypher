// read
MATCH (s:Source) WHERE s.teller = $contact OR s.audience = $contact
RETURN s.id, s.teller, s.audience, s.at
ORDER BY s.at, s.id
