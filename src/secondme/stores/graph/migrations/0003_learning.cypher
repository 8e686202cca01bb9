// What learning looks up: an entity by its id whatever its type, facts by their source and by what they are about.
CREATE CONSTRAINT ON (e:Entity) ASSERT e.id IS UNIQUE;

CREATE INDEX ON :Entity(words);
CREATE INDEX ON :Entity(pending);
CREATE INDEX ON :Fact(source);
CREATE INDEX ON :Fact(subject);
CREATE INDEX ON :Fact(object);
CREATE INDEX ON :Source(teller);
CREATE INDEX ON :Source(audience);
