// write
// What `learn_names` keeps up as sources come, found anew from those that are left.
UNWIND $ids AS id
MATCH (e:Entity {id: id})
MATCH (s:Source)-[n:NAMES]->(e)
WITH e, s, n ORDER BY s.at, n.name
WITH e, count(s) AS times, min(s.at) AS first, max(s.at) AS last, head(collect(n.name)) AS name,
  min(n.category) AS category
SET e.createdAt = first, e.lastMentioned = last, e.name = coalesce(name, e.name),
  e.category = coalesce(category, CASE WHEN e:Topic THEN 'Other' ELSE NULL END)
WITH e, times, last
MATCH (:Contact)-[m:MENTIONED]->(e)
SET m.times = times, m.lastMentioned = last
