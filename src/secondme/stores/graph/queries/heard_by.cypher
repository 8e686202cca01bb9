// read within 750 ms
// Whatever is found is reached from somebody whom the contact is, or from a group of theirs: there is no other way in.
OPTIONAL MATCH path = (:Contact {id: $contact})-[:SAME_AS*0..8]-(one:Contact)
WHERE all(n IN nodes(path) WHERE n:Contact)
OPTIONAL MATCH (one)-[:MEMBER_OF]->(group:Group)
OPTIONAL MATCH (every:Group {id: 'everyone'})
WITH collect(DISTINCT one) + collect(DISTINCT group) + collect(DISTINCT every) AS listeners
UNWIND listeners AS listener
MATCH (listener)-[:MAY_HEAR]->(f:Fact)
// Of very many those that are named, then the newest: who has said too much must not be without all of it.
WITH listeners, f, any(w IN f.words WHERE $said CONTAINS w) AS named
ORDER BY named DESC, f.place DESC LIMIT $most
WITH listeners, f, named, vec.cosineDistance(f.embedding, vecf32($vector)) AS far
WITH listeners, f, named, coalesce(1.0 - far, 0.0) AS near
ORDER BY f.same, f.place DESC
WITH listeners, collect(f.same) AS sames, collect(f) AS facts, collect(near) AS nears, collect(named) AS names
// Of what was said again, the last time. Not by grouping: the server works the parameters out anew for each group.
WITH listeners, facts, nears, names,
  [i IN range(0, size(facts) - 1) WHERE i = 0 OR sames[i] <> sames[i - 1]] AS kept
// The entities that the best hits are about, and what the owner has merged with them. Not by a WITH of their own: that
// would group by all of the lists beside them.
CALL {
  WITH facts, nears, names, kept
  UNWIND [i IN kept WHERE names[i] OR nears[i] >= $hit] AS i
  WITH facts[i].about AS about, names[i] AS named, nears[i] AS near
  ORDER BY named DESC, near DESC
  WITH collect(about)[0 .. 8] AS abouts
  UNWIND abouts AS about
  UNWIND about AS id
  WITH DISTINCT id
  MATCH (e:Entity {id: id})
  MATCH (e)-[:SAME_AS*0..8]-(same)
  RETURN collect(DISTINCT same.id) AS close
}
UNWIND kept AS i
WITH listeners, close, facts[i] AS f, nears[i] AS near, names[i] AS named
WITH listeners, f, CASE
    WHEN named THEN 1.0
    WHEN near < 0.5 AND (f.subject IN close OR f.object IN close) THEN 0.5
    ELSE near END AS closeness
ORDER BY f.validTo IS NULL DESC, closeness DESC, f.place DESC
LIMIT $limit
// What was ended by something that they may not hear is not told either: its end would tell.
OPTIONAL MATCH (g:Fact {id: coalesce(f.endedBy, '')})
OPTIONAL MATCH (g)<-[:MAY_HEAR]-(l) WHERE l IN listeners
WITH f, closeness, any(x IN listeners WHERE x.id = f.teller) AS own, count(l) AS ends
WHERE ends > 0 OR f.endedBy IS NULL
OPTIONAL MATCH (a:Entity {id: f.subject})
OPTIONAL MATCH (b:Entity {id: f.object})
OPTIONAL MATCH (t:Contact {id: f.teller})
// Who told it is called as they call themselves. Of somebody known from imports alone (who has no address, or whose address
// is that name) the name is what the owner calls them, and of a nameless one it is the number: nobody hears those.
WITH f, closeness, a, b, CASE WHEN t.phoneNumber <> '' AND t.name <> t.phoneNumber THEN t.name
  WHEN own THEN $own END AS teller
RETURN f.id, f.predicate, f.holds, f.self, f.value, a.name, b.name, teller, f.teller, f.source, f.saidAt, f.validFrom,
  f.validTo, f.confidence, closeness
ORDER BY f.validTo IS NULL DESC, closeness DESC, f.place DESC
