"""What a contact hears: nothing that was not said to them, the closest first, each thing once."""

import math
import random

import pytest

from secondme.domain.fact import EVERYONE, OWNER, Predicate, Statement
from secondme.stores.graph import Graph, hearing
from secondme.stores.graph.hearing import heard_by
from secondme.stores.graph.learning import learn
from secondme.stores.graph.values import Value
from tests.stores.graph.conftest import DIMENSION
from tests.stores.graph.telling import CLIMBERS, digest, event, lives, meet, person, place, told, works


async def texts(graph: Graph, contact: str, said: str = "", **more: object) -> list[str]:
    return [fact.text for fact in await heard_by(graph, contact, said, **more)]  # type: ignore[arg-type]


async def test_only_who_was_there(graph: Graph) -> None:
    await meet(graph, "ana", "ben", "eve")
    await graph.run(
        "MERGE (g:Group {id: $id}) WITH g MATCH (c:Contact {id: 'ben'}) MERGE (c)-[:MEMBER_OF]->(g)",
        id=CLIMBERS,
    )
    await learn(
        graph,
        digest,
        [
            told("a", lives("Porto")),
            told("b", works("Acme", "Bob"), to=CLIMBERS),
            told("c", lives("Rome"), by=OWNER, to=EVERYONE),
            told("d", works("Initech", "Zoe"), by=OWNER, to="eve"),
        ],
    )
    assert await texts(graph, "ana") == ["The owner lives in Rome", "Ana lives in Porto"]
    assert await texts(graph, "ben") == ["The owner lives in Rome", "Bob works at Acme"]
    assert await texts(graph, "eve") == ["Zoe works at Initech", "The owner lives in Rome"]
    assert await texts(graph, "a stranger") == ["The owner lives in Rome"]


async def test_whom_the_owner_says_they_are(graph: Graph) -> None:
    """By links between contacts, however many; not by a person whom two contacts are said to be."""
    await meet(graph, "ana", "ben", "eve", "zoe")
    await learn(graph, digest, [told(c, lives(f"city of {c}"), by=c) for c in ("ana", "ben", "eve", "zoe")])
    await graph.run(
        "MATCH (a:Contact {id: 'ana'}), (b:Contact {id: 'ben'}), (e:Contact {id: 'eve'}) "
        "CREATE (a)-[:SAME_AS]->(b), (e)-[:SAME_AS]->(b)"
    )
    await graph.run(
        "MATCH (a:Contact {id: 'ana'}), (z:Contact {id: 'zoe'}) "
        "CREATE (a)-[:SAME_AS]->(p:Person {id: 'p'})<-[:SAME_AS]-(z)"
    )
    assert sorted(await texts(graph, "eve")) == [
        "Ana lives in city of ana",
        "Ben lives in city of ben",
        "Eve lives in city of eve",
    ]
    assert await texts(graph, "zoe") == ["Zoe lives in city of zoe"]


async def test_what_was_named_comes_first(graph: Graph) -> None:
    await learn(
        graph,
        digest,
        [
            told("a", works("Acme", "José"), at=1),
            told("b", works("Initech", "Eve"), at=2),
            told("c", Statement(Predicate.LOCATED_AT, event("Fair"), place("Acme Hall")), at=3),
            told("d", works("Acme", "Zoe"), at=4),
        ],
    )
    found = await heard_by(graph, "ana", "and how's JOSÉ, by the way?")
    assert [(fact.text, fact.closeness) for fact in found] == [
        ("José works at Acme", 1.0),
        ("Zoe works at Acme", 0.5),  # about what the first is about
        ("Fair is at Acme Hall", 0.0),
        ("Eve works at Initech", 0.0),
    ]
    assert await texts(graph, "ana", "the fair", limit=1) == ["Fair is at Acme Hall"]
    assert all(
        fact.closeness == 0 for fact in await heard_by(graph, "ana", "everybody")
    )  # `eve` is no word of it


async def test_names_of_other_scripts(graph: Graph) -> None:
    await learn(graph, digest, [told("a", works("Acme", "प्रिया"))])
    (fact,) = await heard_by(graph, "ana", "प्रिया कैसी है?")
    assert fact.closeness == 1


async def test_neighbours_over_what_was_merged(graph: Graph) -> None:
    """Two Bobs whom the owner has merged: what is heard of the other is still only what may be heard."""
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [
            told("a", works("Acme", "Bob"), by="ana"),
            told("b", works("Initech", "Robert"), by=OWNER, to="ana", at=1),
            told("c", lives("Oslo", "Robert"), by=OWNER, to="ben", at=2),
        ],
    )
    await graph.run("MATCH (a:Person {name: 'Bob'}), (b:Person {name: 'Robert'}) CREATE (b)-[:SAME_AS]->(a)")
    found = {fact.text: fact.closeness for fact in await heard_by(graph, "ana", "Bob?")}
    assert found == {"Bob works at Acme": 1.0, "Robert works at Initech": 0.5}


async def test_an_end_that_they_may_not_hear_ends_in_silence(graph: Graph) -> None:
    """The older is not told as if it held, and its end is not told: it would say that something has happened."""
    await meet(graph, "ana", "ben")
    await learn(graph, digest, [told("a", lives("Porto"), by=OWNER, to="ana", at=1)])
    await learn(graph, digest, [told("b", lives("Rome"), by=OWNER, to="ben", at=2)])
    assert await texts(graph, "ana") == []
    assert await texts(graph, "ben") == ["The owner lives in Rome"]
    await learn(graph, digest, [told("c", lives("Oslo"), by=OWNER, to="ana", at=3)])
    assert await texts(graph, "ana") == ["The owner lives in Oslo"]


async def test_what_holds_comes_before_what_held(graph: Graph) -> None:
    await learn(
        graph, digest, [told("a", works("Acme", "Bob"), at=1), told("b", works("Initech", "Bob"), at=2)]
    )
    await learn(graph, digest, [told("c", lives("Porto"), at=0)])
    found = await heard_by(graph, "ana", "Acme")
    assert [(fact.text, fact.valid_to is None) for fact in found] == [
        ("Bob works at Initech", True),
        ("This contact lives in Porto", True),
        ("Bob works at Acme", False),
    ]


async def test_what_was_said_again_comes_once(graph: Graph) -> None:
    knows = Statement(Predicate.KNOWS, None, person("Bob"))
    await learn(graph, digest, [told(f"m{n}", knows, at=n) for n in range(5)])
    (fact,) = await heard_by(graph, "ana", "")
    assert (fact.source, fact.valid_to) == ("m4", None)


async def test_of_too_many_those_that_are_named_and_the_newest(
    graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "_MOST", 3)
    people = ("Bob", "Eve", "Tom", "Ann", "Joe")
    await learn(graph, digest, [told(name, works("Acme", name), at=n) for n, name in enumerate(people)])
    found = await heard_by(graph, "ana", "and Bob?")
    assert [fact.source for fact in found] == ["Bob", "Joe", "Ann"]


async def test_closeness_is_exact(graph: Graph) -> None:
    """Recall 1: the nearest by vector are those that reckoning them all by hand finds."""
    count, draw = 200, random.Random(7)
    await learn(graph, digest, [told(f"m{n}", lives("Porto", f"P{n}"), at=n) for n in range(count)])
    vectors = {f"P{n}": [draw.gauss(0, 1) for _ in range(DIMENSION)] for n in range(count)}
    rows: list[Value] = [{"name": name, "vector": vector} for name, vector in vectors.items()]
    await graph.run(
        "UNWIND $rows AS row MATCH (e:Person {name: row.name}) MATCH (f:Fact {subject: e.id})"
        " SET f.embedding = vecf32(row.vector)",
        rows=rows,
    )
    asked = [draw.gauss(0, 1) for _ in range(DIMENSION)]
    nearest = sorted(vectors, key=lambda name: -cosine(vectors[name], asked))[:10]
    found = await heard_by(graph, "ana", "", asked, limit=10)
    assert [fact.about[0] for fact in found] == nearest
    assert found[0].closeness == pytest.approx(cosine(vectors[nearest[0]], asked), abs=1e-5)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)
