// Who said what, and who may hear it.
CREATE CONSTRAINT ON (s:Source) ASSERT s.id IS UNIQUE;
CREATE CONSTRAINT ON (f:Fact) ASSERT f.id IS UNIQUE;
CREATE CONSTRAINT ON (g:Group) ASSERT g.id IS UNIQUE;

CREATE INDEX ON :Fact(key);
CREATE INDEX ON :Topic(name);
CREATE INDEX ON :Event(name);
CREATE INDEX ON :Location(name);

CREATE VECTOR INDEX FOR (l:Location) ON (l.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (f:Fact) ON (f.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};

// What waits for its vector is found without looking at what has one.
CREATE INDEX ON :Fact(pending);
MATCH (n) WHERE (n:Person OR n:Company OR n:Topic OR n:Event OR n:Location) AND n.embedding IS NULL
SET n:Entity, n.pending = true;
MATCH (n) WHERE (n:Person OR n:Company OR n:Topic OR n:Event OR n:Location) AND n.embedding IS NOT NULL
SET n:Entity;

// The audience that every contact belongs to, also later ones.
MERGE (:Group {id: 'everyone'});
