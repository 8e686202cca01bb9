// write
// `fresh` marks what this transaction makes, and the last step of it takes the mark away: the same source again,
// or the same transaction again, finds none that is fresh and changes nothing.
UNWIND $sources AS row
MERGE (s:Source {id: row.id})
ON CREATE SET s.teller = row.teller, s.audience = row.audience, s.at = localdatetime(row.at), s.fresh = true
