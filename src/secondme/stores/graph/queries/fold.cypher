// write
// FalkorDB keeps what is new of each label and relationship apart, copies all of that with every write, and joins it
// to the rest only when something of the label or relationship is deleted and enough of it has gathered.
// It also makes each known: two MERGE at once make two of what has never been there.
CREATE (a:Source:Entity:Person:Company:Topic:Event:Location:Fact:Contact:Group),
  (a)-[:NAMES]->(a), (a)-[:MAY_HEAR]->(a), (a)-[:MENTIONED]->(a), (a)-[:KNOWS]->(a), (a)-[:DISCUSSED]->(a),
  (a)-[:WORKS_AT]->(a), (a)-[:LIVES_IN]->(a), (a)-[:ATTENDED]->(a), (a)-[:LOCATED_AT]->(a),
  (a)-[:SAME_AS]->(a), (a)-[:MEMBER_OF]->(a)
WITH a DETACH DELETE a
