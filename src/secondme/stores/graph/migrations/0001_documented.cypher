// The documented model: what is unique, and what is looked up.
CREATE CONSTRAINT ON (u:User) ASSERT u.id IS UNIQUE;
CREATE CONSTRAINT ON (c:Contact) ASSERT c.id IS UNIQUE;
CREATE CONSTRAINT ON (p:Persona) ASSERT p.id IS UNIQUE;
CREATE CONSTRAINT ON (per:Person) ASSERT per.id IS UNIQUE;
CREATE CONSTRAINT ON (comp:Company) ASSERT comp.id IS UNIQUE;
CREATE CONSTRAINT ON (t:Topic) ASSERT t.id IS UNIQUE;
CREATE CONSTRAINT ON (e:Event) ASSERT e.id IS UNIQUE;
CREATE CONSTRAINT ON (l:Location) ASSERT l.id IS UNIQUE;

CREATE INDEX ON :Contact(phoneNumber);
CREATE INDEX ON :Person(name);
CREATE INDEX ON :Company(name);
CREATE INDEX ON :Topic(category);
CREATE INDEX ON :Event(date);

CREATE VECTOR INDEX FOR (p:Person) ON (p.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (c:Company) ON (c.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (t:Topic) ON (t.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (e:Event) ON (e.embedding) OPTIONS {dimension: $dimension, similarityFunction: 'cosine'};
