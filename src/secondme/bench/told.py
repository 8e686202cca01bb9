"""What is told to memory when it is measured, and the bare statements that write and read as much."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt
from operator import mul

from secondme.domain.fact import Entity, EntityType, Gist, Learned, Predicate, Source, Statement
from secondme.stores.graph.shaping import Digest, Item, shape

OF_EACH = 500  # facts that a contact may hear
_PEOPLE, _COMPANIES, _PLACES = 100, 40, 40  # that one contact speaks of
_SUBJECTS, _NEAR = 25, 0.8  # what vectors are about, and how far they lie around it
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)

type Vector = list[float]

_ENTITY = """{label} {{id: row.{it}.id, name: row.{it}.name, words: row.{it}.words, {vector},
  createdAt: localdatetime(row.at), lastMentioned: localdatetime(row.at)}}"""
_FACT = """Fact {{
  id: {it}.id, predicate: {it}.predicate, subject: {it}.subject, object: {it}.object, value: {it}.value,
  holds: {it}.holds, self: {it}.self, teller: {row}.teller, source: {row}.id, saidAt: localdatetime({row}.at),
  place: {it}.place, validFrom: localdatetime({it}.validFrom), confidence: {it}.confidence, key: {it}.key,
  what: {it}.what, same: {it}.same, about: {it}.about, words: {it}.words, {vector}}}"""
_UPSERT = """MATCH (c:Contact {{id: $contact}})
UNWIND $rows AS row
CREATE (s:Source {{id: row.id, teller: row.teller, audience: row.audience, at: localdatetime(row.at)}}),
  (a:Entity:{person}), (b:Entity:{company}), (f:{fact}),
  (s)-[:NAMES {{name: row.person.name}}]->(a), (s)-[:NAMES {{name: row.company.name}}]->(b),
  (c)-[:MENTIONED {{times: 1, lastMentioned: localdatetime(row.at)}}]->(a),
  (c)-[:MENTIONED {{times: 1, lastMentioned: localdatetime(row.at)}}]->(b),
  (c)-[:KNOWS]->(a), (c)-[:MAY_HEAR {{shared: false}}]->(f), (a)-[:WORKS_AT]->(b)"""

# One fact and its relationship, with the properties and so the indexes of the product's.
BARE_WRITE = "MATCH (c:Contact {{id: $contact}}) CREATE (c)-[:MAY_HEAR {{shared: false}}]->(f:{fact})".format(
    fact=_FACT.format(it="$fact", row="$row", vector="pending: $row.pending")
)
# In one query, exactly. A vector that is worked out first, or a list that is cut, is no quicker.
BARE_READ = """MATCH (c:Contact {id: $contact})-[:MAY_HEAR]->(f:Fact)
WITH f, vec.cosineDistance(f.embedding, vecf32($vector)) AS far ORDER BY far LIMIT $limit
RETURN f.id, f.predicate, f.value, f.saidAt, f.validTo, far"""


def bare_upsert(*, vectors: bool) -> str:
    """One CREATE of all that `employments` leave in the graph; `vectors`: each row has those of its three too."""

    def vector(it: str) -> str:
        return f"embedding: vecf32(row.{it}.vector)" if vectors else "pending: true"

    return _UPSERT.format(
        person=_ENTITY.format(label="Person", it="person", vector=vector("person")),
        company=_ENTITY.format(label="Company", it="company", vector=vector("company")),
        fact=_FACT.format(it="row.fact", row="row", vector=vector("fact")),
    )


def bare_rows(
    digest: Digest, batch: Sequence[Learned], vector: Callable[[], Vector] | None = None
) -> list[Item]:
    """The rows that `bare_upsert` takes in, with the ids that the product would give; `vector` makes each one's."""
    rows = []
    for row in shape(digest, batch):
        person, company = sorted(row["names"], key=lambda name: name["id"].startswith("company"))
        whole = {key: row[key] for key in ("id", "teller", "audience", "at")}
        rows.append(whole | {"person": person, "company": company, "fact": row["facts"][0]})
    if vector:
        for row in rows:
            for it in ("person", "company", "fact"):
                row[it]["vector"] = vector()
    return rows


def bare_fact(digest: Digest, one: Learned, hearer: str) -> dict[str, Item | str]:
    """The parameters of BARE_WRITE: the fact that this message states, heard by `hearer`."""
    [row] = shape(digest, [one])
    of_source = {"id": row["id"], "teller": row["teller"], "at": row["at"], "pending": True}
    return {"contact": hearer, "fact": row["facts"][0], "row": of_source}


def employments(contact: str, first: int, count: int) -> list[Learned]:
    """Messages, each of which says that somebody works somewhere, both named for the first time."""
    return [
        _said(
            contact, n, Statement(Predicate.WORKS_AT, _person(f"{contact} {n}"), _company(f"{contact} {n}"))
        )
        for n in range(first, first + count)
    ]


def talk(first: int, count: int) -> list[Learned]:
    """Messages that state one fact each: of one contact `OF_EACH`, then of the next one."""
    return [_of_talk(contact_of(n), n % OF_EACH) for n in range(first, first + count)]


def contact_of(place: int) -> str:
    """Whose message of `talk` that is."""
    return f"contact {place // OF_EACH}"


def live(contact: str) -> Iterator[tuple[str, Learned]]:
    """What a contact of `talk` goes on to say, for ever, and of which kind each is."""
    for n in itertools.count(OF_EACH, 4):
        new = Statement(Predicate.KNOWS, None, _person(f"{contact} {n}"))
        yield "a new name", _said(contact, n, new)
        yield "known names", _of_talk(contact, n + 1)
        yield "of themselves", _said(contact, n + 2, Statement(Predicate.LIVES_IN, None, _place(f"{n}")))
        yield "a note", _noted(contact, n + 3)


def notes(contact: str, count: int) -> list[Learned]:
    """Messages that note something of somebody; all of it goes on holding."""
    return [_noted(contact, n) for n in range(count)]


def vectors(count: int, dimension: int, seed: int) -> list[Vector]:
    """Unit vectors around `_SUBJECTS` centres, as sentences about as many things have them; the n-th is about n modulo
    `_SUBJECTS`. The centres are the same for every seed."""
    draw = random.Random(seed)
    centres = [_drawn(random.Random(n), dimension) for n in range(_SUBJECTS)]
    return [
        _unit([c + _NEAR * x for c, x in zip(centres[n % _SUBJECTS], _drawn(draw, dimension), strict=True)])
        for n in range(count)
    ]


def number(source: str) -> int:
    """Which of a contact's messages that source is, from 0."""
    return int(source.rsplit(" ", 1)[1])


def named(contact: str, n: int) -> str:
    """The name that the n-th of `notes` is about."""
    return _subject(contact, n).name


def nearest(asked: Vector, among: Sequence[Vector], count: int) -> set[int]:
    """The places of those whose cosine with `asked` is greatest: unit vectors, compared one by one."""
    closeness = [sum(map(mul, asked, one)) for one in among]
    return set(sorted(range(len(among)), key=lambda place: -closeness[place])[:count])


def _of_talk(contact: str, n: int) -> Learned:
    """In turn a note, where somebody works, where somebody lives, and whom they know. One in ten ends another."""
    person, about = _subject(contact, n), n // 4
    if n % 4 == 0:
        return _noted(contact, n)
    if n % 4 == 1:
        company = _company(f"{contact} {about % _COMPANIES}")
        return _said(contact, n, Statement(Predicate.WORKS_AT, person, company))
    if n % 4 == 2:
        return _said(contact, n, Statement(Predicate.LIVES_IN, person, _place(f"{about % _PLACES}")))
    return _said(contact, n, Statement(Predicate.KNOWS, None, person))


def _noted(contact: str, n: int) -> Learned:
    value = f"told {contact} something that nobody else has heard, number {n}"
    return _said(contact, n, Statement(Predicate.NOTE, _subject(contact, n), value=value))


def _subject(contact: str, n: int) -> Entity:
    return _person(f"{contact} {n // 4 % _PEOPLE}")


def _said(contact: str, n: int, statement: Statement) -> Learned:
    source = Source(f"{contact} said {n}", contact, contact, _BEGIN + timedelta(minutes=n))
    return Learned(source, Gist(statements=(statement,)))


def _person(name: str) -> Entity:
    return Entity(EntityType.PERSON, f"Asha {name}")


def _company(name: str) -> Entity:
    return Entity(EntityType.COMPANY, f"{name} Works")


def _place(name: str) -> Entity:
    return Entity(EntityType.LOCATION, f"Port {name}")


def _drawn(draw: random.Random, dimension: int) -> Vector:
    long = sqrt(12 / dimension)  # so that it is about 1 long
    return [(draw.random() - 0.5) * long for _ in range(dimension)]


def _unit(vector: Vector) -> Vector:
    size = sqrt(sum(map(mul, vector, vector)))
    return [x / size for x in vector]
