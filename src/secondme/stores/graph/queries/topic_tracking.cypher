// write
// Documented: a contact has mentioned a topic. Times are counted from the messages, so one that comes twice counts once.
MATCH (c:Contact {id: $contactId})
MERGE (t:Topic {id: $topicId})
ON CREATE SET t:Entity, t.name = $topicName, t.category = $category, t.createdAt = localdatetime($at),
  t.pending = true
SET t.lastMentioned = localdatetime($at)
MERGE (s:Source {id: $messageId})
ON CREATE SET s.teller = $contactId, s.audience = $contactId, s.at = localdatetime($at)
MERGE (s)-[:NAMES]->(t)
WITH DISTINCT c, t
MATCH (said:Source {teller: c.id})-[:NAMES]->(t)
WITH c, t, count(DISTINCT said) AS times, max(said.at) AS last
MERGE (c)-[m:MENTIONED]->(t)
SET m.times = times, m.lastMentioned = last
RETURN t.id, t.name, m.times
