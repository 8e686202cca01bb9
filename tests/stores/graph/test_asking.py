"""What the owner asks, over all tellers; and the vectors that are made behind it."""

import random
from datetime import date

import pytest

from secondme.domain.errors import NotFound
from secondme.domain.fact import EVERYONE, OWNER, Predicate, Statement
from secondme.stores.graph import Graph
from secondme.stores.graph.asking import about, facts_of, search, stated, why
from secondme.stores.graph.embedding import embed, unembedded
from secondme.stores.graph.learning import learn, unlearn
from secondme.stores.graph.sharing import merge, share
from tests.stores.graph.conftest import DIMENSION
from tests.stores.graph.telling import CLIMBERS, digest, event, lives, meet, person, told, works


async def test_who_works_there(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [
            told("a", works("Acme", "Bob"), at=1),
            told("b", works("ACME", "Zoe"), by="ben", at=2),
            told("c", works("Acme Corp."), by="ben", at=3),
            told("d", works("Initech", "Bob"), at=4),
            told("e", lives("Acme", "Kim"), at=5),
        ],
    )
    assert [fact.text for fact in await stated(graph, Predicate.WORKS_AT, "acme")] == [
        "Zoe works at ACME",
        "Bob works at Acme",  # until later
    ]
    ((one,), (other,)) = await graph.run(
        "MATCH (c:Company) WHERE c.name IN ['Acme', 'Acme Corp.'] RETURN c.id"
    )
    await merge(graph, one, other)
    found = await stated(graph, Predicate.WORKS_AT, "Acme")
    assert {fact.text for fact in found} == {
        "Zoe works at ACME",
        "Bob works at Acme",
        "Ben works at Acme Corp.",
    }
    assert {fact.text for fact in await stated(graph, None, "acme")} >= {"Kim lives in Acme"}
    assert await stated(graph, None, "?!") == []


async def test_what_is_known_of_somebody(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(graph, digest, [told("a", lives("Porto")), told("b", works("Acme", "Ana"), by="ben")])
    found = {fact.text: fact.audience for fact in await about(graph, None, "ana")}
    assert found == {"Ana lives in Porto": ("ana",), "Ana works at Acme": ("ben",)}


async def test_facts_of_a_contact(graph: Graph) -> None:
    """What they told, wherever, and what they may hear."""
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [
            told("a", lives("Porto"), at=1),
            told("b", works("Acme"), to=CLIMBERS, at=2),
            told("c", lives("Rome"), by=OWNER, to=EVERYONE, at=3),
            told("d", lives("Oslo"), by="ben", at=4),
            told("e", lives("Faro"), at=5),
        ],
    )
    assert [(f.text, f.audience, f.valid_to is None) for f in await facts_of(graph, "ana")] == [
        ("Ana lives in Faro", ("ana",), True),
        ("The owner lives in Rome", (EVERYONE,), True),
        ("Ana works at Acme", (CLIMBERS,), True),
        ("Ana lives in Porto", ("ana",), False),
    ]


async def test_why(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [told("a", lives("Porto"), at=1), told("b", lives("Rome"), at=2), told("c", lives("Faro"), at=3)],
    )
    by_text = {fact.text: fact for fact in await facts_of(graph, "ana")}
    await share(graph, by_text["Ana lives in Rome"].id, "ben")
    found = await why(graph, by_text["Ana lives in Rome"].id)
    assert (found.fact.source, found.fact.teller, found.fact.audience) == ("b", "ana", ("ana", "ben"))
    assert found.shared_with == ("ben",)
    assert [one.text for one in found.ended] == ["Ana lives in Porto"]
    assert found.ended_by is not None and found.ended_by.text == "Ana lives in Faro"
    with pytest.raises(NotFound):
        await why(graph, "fact_0")


async def test_every_sentence(graph: Graph) -> None:
    await meet(graph, "ana")
    trip = event("Trip")
    said = [
        Statement(Predicate.OCCUPATION, None, value="nurse"),
        Statement(Predicate.HAPPENS_ON, trip, value="2026-05-01"),
        Statement(Predicate.ATTENDED, None, trip),
        Statement(Predicate.KNOWS, None, person("Bob")),
        Statement(Predicate.NOTE, person("Bob"), value="{s} likes {o}"),
        Statement(Predicate.WORKS_AT, person("Bob"), holds=False),
    ]
    await learn(graph, digest, [told("a", *said, naming=[event("Fair", date(2026, 6, 1))])])
    assert {fact.text for fact in await facts_of(graph, "ana")} == {
        "Ana works as nurse",
        "Trip is on 2026-05-01",
        "Fair is on 2026-06-01",
        "Ana attended Trip",
        "Ana knows Bob",
        "Bob: {s} likes {o}",
        "Bob no longer works at any",
    }


async def test_vectors_are_made_behind(graph: Graph) -> None:
    await meet(graph, "ana")
    await learn(graph, digest, [told("a", works("Acme", "Bob")), told("b", lives("Porto"), at=1)])
    waiting = dict(await unembedded(graph))
    assert set(waiting.values()) == {"Bob", "Acme", "Porto", "Bob works at Acme", "Ana lives in Porto"}
    assert len(await unembedded(graph, 2)) == 2
    await unlearn(graph, ["b"])
    await embed(graph, [(id, [1.0] * DIMENSION) for id in waiting])
    assert await unembedded(graph) == []
    await learn(graph, digest, [told("c", works("Acme", "Bob"), at=2)])
    assert [text for _, text in await unembedded(graph)] == ["Bob works at Acme"]


async def test_search_by_meaning(graph: Graph) -> None:
    await learn(graph, digest, [told(f"m{n}", lives("Porto", f"P{n}"), by=f"c{n}", at=n) for n in range(120)])
    draw = random.Random(3)
    await embed(
        graph, [(id, [draw.gauss(0, 1) for _ in range(DIMENSION)]) for id, _ in await unembedded(graph, 999)]
    )
    asked = [1.0, *[0.0] * (DIMENSION - 1)]
    exact = await graph.run(
        "MATCH (f:Fact) RETURN f.id ORDER BY vec.cosineDistance(f.embedding, vecf32($v)) LIMIT 5", v=asked
    )
    found = await search(graph, asked, 5)
    assert [one.id for one in found] == [row[0] for row in exact]
    assert 1 >= found[0].closeness >= found[-1].closeness > 0
