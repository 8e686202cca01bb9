// write
// One query, so that a source is in the graph with all that it says or not at all, and one that is there already
// changes nothing. Lists of one or none stand for a condition.
// An entity is called as it was called first, and of several categories has the first by the alphabet: both whatever
// the order in which sources are learned. A speaker's own person is called as the contact is.
// What only some messages need stands in queries of their own: the server copies all of a query's plan to run it.
UNWIND $rows AS row
OPTIONAL MATCH (old:Source {id: row.id})
WITH row, old WHERE old IS NULL
CREATE (s:Source {id: row.id, teller: row.teller, audience: row.audience, at: localdatetime(row.at)})
FOREACH (n IN row.names |
  MERGE (e:Entity {id: n.id})
  ON CREATE SET e.name = n.name, e.words = n.words, e.self = n.self, e.pending = n.pending,
    e.category = coalesce(n.category, n.otherwise), e.createdAt = s.at, e.lastMentioned = s.at
  ON MATCH SET
    e.name = CASE WHEN n.called IS NOT NULL AND (s.at < e.createdAt OR (s.at = e.createdAt AND n.called < e.name))
      THEN n.called ELSE e.name END,
    e.category = CASE WHEN n.category IS NOT NULL AND
      (e.category IS NULL OR e.category = 'Other' OR n.category < e.category) THEN n.category ELSE e.category END,
    e.createdAt = CASE WHEN s.at < e.createdAt THEN s.at ELSE e.createdAt END,
    e.lastMentioned = CASE WHEN s.at > e.lastMentioned THEN s.at ELSE e.lastMentioned END
  CREATE (s)-[:NAMES {name: n.called, category: n.category}]->(e)
  FOREACH (teller IN n.mentioned |
    MERGE (c:Contact {id: teller})
    MERGE (c)-[m:MENTIONED]->(e)
    ON CREATE SET m.times = 1, m.lastMentioned = s.at
    ON MATCH SET m.times = m.times + 1,
      m.lastMentioned = CASE WHEN s.at > m.lastMentioned THEN s.at ELSE m.lastMentioned END)
)
FOREACH (f IN row.facts |
  CREATE (n:Fact {
    id: f.id, predicate: f.predicate, subject: f.subject, object: f.object, value: f.value, holds: f.holds,
    self: f.self, teller: row.teller, source: row.id, saidAt: s.at, place: f.place,
    validFrom: localdatetime(f.validFrom),
    validTo: CASE WHEN f.holds THEN NULL ELSE localdatetime(f.validFrom) END,
    confidence: f.confidence, key: f.key, what: f.what, same: f.same, about: f.about, words: f.words, pending: true
  })
  FOREACH (contact IN row.contact | MERGE (l:Contact {id: contact}) CREATE (l)-[:MAY_HEAR {shared: false}]->(n))
)
RETURN count(s)
