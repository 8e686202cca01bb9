// write
UNWIND $facts AS row
MATCH (s:Source {id: row.source}) WHERE s.fresh
CREATE (:Fact {
  id: row.id, predicate: row.predicate, subject: row.subject, object: row.object, value: row.value,
  holds: row.holds, self: row.self, teller: s.teller, source: s.id, saidAt: s.at, place: row.place,
  validFrom: localdatetime(row.validFrom),
  validTo: CASE WHEN row.holds THEN NULL ELSE localdatetime(row.validFrom) END,
  confidence: row.confidence, key: row.key, what: row.what, same: row.same,
  about: row.about, words: row.words, pending: true
})
