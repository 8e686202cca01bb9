// The schema of SecondMe's graph, for a FalkorDB that is set up without `secondme graph migrate`.
//
// One statement ends with each semicolon. FalkorDB takes a constraint by a command instead:
//   GRAPH.QUERY secondme "CREATE INDEX ON :User(id)"
//   GRAPH.CONSTRAINT CREATE secondme UNIQUE NODE User PROPERTIES 1 id
// and a vector index with the number of dimensions that the embedder makes: write it in place of 1536.

// Uniqueness. An Entity is whatever else can be named: Person, Company, Topic, Event, Location.
CREATE CONSTRAINT ON (u:User) ASSERT u.id IS UNIQUE;
CREATE CONSTRAINT ON (c:Contact) ASSERT c.id IS UNIQUE;
CREATE CONSTRAINT ON (p:Persona) ASSERT p.id IS UNIQUE;
CREATE CONSTRAINT ON (per:Person) ASSERT per.id IS UNIQUE;
CREATE CONSTRAINT ON (comp:Company) ASSERT comp.id IS UNIQUE;
CREATE CONSTRAINT ON (t:Topic) ASSERT t.id IS UNIQUE;
CREATE CONSTRAINT ON (e:Event) ASSERT e.id IS UNIQUE;
CREATE CONSTRAINT ON (l:Location) ASSERT l.id IS UNIQUE;
CREATE CONSTRAINT ON (e:Entity) ASSERT e.id IS UNIQUE;
CREATE CONSTRAINT ON (s:Source) ASSERT s.id IS UNIQUE;
CREATE CONSTRAINT ON (f:Fact) ASSERT f.id IS UNIQUE;
CREATE CONSTRAINT ON (g:Group) ASSERT g.id IS UNIQUE;

// Lookup
CREATE INDEX ON :Contact(phoneNumber);
CREATE INDEX ON :Person(name);
CREATE INDEX ON :Company(name);
CREATE INDEX ON :Topic(category);
CREATE INDEX ON :Topic(name);
CREATE INDEX ON :Event(date);
CREATE INDEX ON :Event(name);
CREATE INDEX ON :Location(name);
CREATE INDEX ON :Entity(words);
CREATE INDEX ON :Entity(pending);
CREATE INDEX ON :Fact(key);
CREATE INDEX ON :Fact(pending);
CREATE INDEX ON :Fact(source);
CREATE INDEX ON :Fact(subject);
CREATE INDEX ON :Fact(object);
CREATE INDEX ON :Source(teller);
CREATE INDEX ON :Source(audience);
CREATE INDEX ON :Migration(id);

// Meaning
CREATE VECTOR INDEX FOR (p:Person) ON (p.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (c:Company) ON (c.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (t:Topic) ON (t.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (e:Event) ON (e.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (l:Location) ON (l.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};
CREATE VECTOR INDEX FOR (f:Fact) ON (f.embedding) OPTIONS {dimension: 1536, similarityFunction: 'cosine'};

// The owner, and the audience that everybody belongs to. Personas come from the ledger: `secondme graph rebuild`.
MERGE (u:User {id: 'user-1'})
  ON CREATE SET u.phoneNumber = '', u.defaultPersona = 'persona-casual',
    u.createdAt = localdatetime(), u.updatedAt = localdatetime();
MERGE (:Group {id: 'everyone'});
