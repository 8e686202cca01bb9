"""From when until when a fact holds, whatever the order in which messages are learned and taken back."""

import time
from datetime import date, datetime
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings

from secondme.domain.fact import SINGLE, Learned, Predicate, Statement
from secondme.stores.graph import Graph
from secondme.stores.graph.learning import learn, unlearn
from tests.stores.graph.telling import (
    NOON,
    clear,
    company,
    digest,
    event,
    lives,
    meet,
    person,
    stories,
    told,
    works,
)

type Spans = dict[str, tuple[datetime, datetime | None]]


async def spans(graph: Graph, predicate: Predicate = Predicate.LIVES_IN) -> list[tuple[str, int, int | None]]:
    """What is said and where, with from and until in minutes past NOON, by when it was said."""
    rows = await graph.run(
        "MATCH (f:Fact {predicate: $predicate}) OPTIONAL MATCH (e:Entity {id: coalesce(f.object, '')})"
        " RETURN coalesce(e.name, f.value, ''), f.validFrom, f.validTo ORDER BY f.place",
        predicate=predicate,
    )
    return [(name, _minutes(begins), _minutes(ends) if ends else None) for name, begins, ends in rows]


def _minutes(moment: datetime) -> int:
    return round((moment - NOON).total_seconds() / 60)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_newer_statement_ends_the_older(graph: Graph, order: tuple[int, ...]) -> None:
    moves = [
        told("a", lives("Porto"), at=1),
        told("b", lives("Lisbon"), at=2),
        told("c", lives("Rome"), at=3),
    ]
    for number in order:
        await learn(graph, digest, [moves[number]])
    assert await spans(graph) == [("Porto", 1, 2), ("Lisbon", 2, 3), ("Rome", 3, None)]
    assert await graph.run("MATCH (:Person)-[:LIVES_IN]->(l) RETURN l.name") == [["Rome"]]
    await unlearn(graph, ["b"])
    assert await spans(graph) == [("Porto", 1, 3), ("Rome", 3, None)]
    await unlearn(graph, ["c"])
    assert await spans(graph) == [("Porto", 1, None)]
    assert await graph.run("MATCH (p:Person)-[:LIVES_IN]->(l) RETURN l.name, p.location") == [
        ["Porto", "Porto"]
    ]


async def test_what_is_taken_back_leaves_no_relationship(graph: Graph) -> None:
    both = (person("Bob"), company("Acme"))
    stated = [told(id, works("Acme", "Bob"), at=at) for at, id in enumerate("ab")]
    await learn(graph, digest, [*stated, told("c", naming=both, at=3)])
    working = "MATCH (p:Person)-[:WORKS_AT]->(c:Company) RETURN p.name, c.name"
    await unlearn(graph, ["a"])
    assert await graph.run(working) == [["Bob", "Acme"]]  # the other says so
    await unlearn(graph, ["b"])
    assert await graph.run(working) == []
    assert await graph.run("MATCH (c:Company) RETURN c.name") == [["Acme"]]


async def test_saying_it_again_ends_nothing(graph: Graph) -> None:
    again = [told("a", lives("Porto"), at=1), told("b", lives("porto"), at=2), told("c", lives("Rome"), at=3)]
    await learn(graph, digest, again)
    assert await spans(graph) == [("Porto", 1, 3), ("Porto", 2, 3), ("Rome", 3, None)]


@pytest.mark.parametrize("where", ["Acme", None])
async def test_what_has_ended_is_over(graph: Graph, where: str | None) -> None:
    await learn(graph, digest, [told("b", works(where, "Bob", holds=False), at=2)])
    await learn(graph, digest, [told("a", works("Acme", "Bob"), at=1)])
    assert await spans(graph, Predicate.WORKS_AT) == [("Acme", 1, 2), (where or "", 2, 2)]
    assert await graph.run("MATCH (:Person)-[r:WORKS_AT]->() RETURN r") == []
    await unlearn(graph, ["b"])
    assert await graph.run("MATCH (:Person)-[r:WORKS_AT]->() RETURN count(r)") == [[1]]


async def test_the_end_of_something_else_ends_nothing(graph: Graph) -> None:
    """ "I moved from Porto to Lisbon", whichever half is read first."""
    moved = (lives("Lisbon"), lives("Porto", holds=False))
    await learn(graph, digest, [told("a", lives("Porto"), at=1), told("b", *moved, at=2)])
    assert await graph.run("MATCH (:Person)-[:LIVES_IN]->(l) RETURN l.name") == [["Lisbon"]]
    await learn(graph, digest, [told("c", lives("Rome", holds=False), at=3)])
    assert await graph.run("MATCH (:Person)-[:LIVES_IN]->(l) RETURN l.name") == [["Lisbon"]]


async def test_since_when(graph: Graph) -> None:
    """What was said last counts, from when it is said to hold; what it contradicts held until then, if ever."""
    day = -12 * 60  # midnight, in minutes past NOON
    await learn(graph, digest, [told("a", lives("Porto", since=date(2026, 2, 28)), at=1)])
    await learn(graph, digest, [told("b", lives("Rome", since=date(2026, 3, 1)), at=2)])
    await learn(graph, digest, [told("c", lives("Oslo", since=date(2025, 3, 1)), at=3)])
    porto, rome, oslo = await spans(graph)
    assert (porto[1:], rome[1:]) == ((day - 1440, day), (day, day))
    assert (oslo[0], oslo[2]) == ("Oslo", None)


async def test_many_at_a_time(graph: Graph) -> None:
    knows = [Statement(Predicate.KNOWS, None, person(name)) for name in ("Bob", "Eve")]
    await learn(graph, digest, [told("a", *knows, at=1)])
    await learn(
        graph, digest, [told("b", Statement(Predicate.KNOWS, None, person("bob"), holds=False), at=2)]
    )
    assert await graph.run("MATCH (:Person)-[:KNOWS]->(p) RETURN p.name") == [["Eve"]]


async def test_an_end_of_nothing_ends_nothing(graph: Graph) -> None:
    await learn(graph, digest, [told("a", Statement(Predicate.KNOWS, None, person("Bob")), at=1)])
    nothing = told("b", Statement(Predicate.KNOWS, None, holds=False), at=2)
    await learn(graph, digest, [nothing])
    assert await graph.run("MATCH (:Person)-[:KNOWS]->(p) RETURN p.name") == [["Bob"]]
    await unlearn(graph, ["b"])
    assert await graph.run("MATCH (:Person)-[:KNOWS]->(p) RETURN p.name") == [["Bob"]]


async def test_two_tellers_do_not_end_each_others(graph: Graph) -> None:
    await learn(graph, digest, [told("a", works("Acme", "Bob"), at=1)])
    await learn(graph, digest, [told("b", works("Initech", "Bob"), by="ben", at=2)])
    assert [span[2] for span in await spans(graph, Predicate.WORKS_AT)] == [None, None]


async def test_a_date_that_was_put_off(graph: Graph) -> None:
    first, later = date(2026, 5, 1), date(2026, 6, 1)
    await learn(graph, digest, [told("b", naming=[event("Wedding", later)], at=2)])
    await learn(graph, digest, [told("a", naming=[event("Wedding", first)], at=1)])
    assert await spans(graph, Predicate.HAPPENS_ON) == [("2026-05-01", 1, 2), ("2026-06-01", 2, None)]
    assert await graph.run("MATCH (e:Event) RETURN e.date") == [[later]]


async def test_a_long_chain_is_settled_in_a_moment(graph: Graph) -> None:
    """Two thousand homes: that is two million pairs, which kept the graph from everybody for most of a minute."""
    batch = [
        told(f"m{n:02}", *(lives(f"P{k}", holds=k % 7 != 3) for k in range(41)), at=n) for n in range(50)
    ]
    began = time.monotonic()
    await learn(graph, digest, batch)
    assert time.monotonic() - began < 5
    assert (await spans(graph))[-1] == ("P40", 49, None)
    assert await graph.run("MATCH (f:Fact) WHERE f.validTo IS NULL RETURN count(f)") == [[1]]


def expected(story: list[Learned]) -> Spans:
    """By the rule as it is written down, over everything at once, knowing nothing of chains."""
    said = []
    for one in sorted(story, key=lambda one: (one.source.at, one.source.id)):
        for statement in one.gist.statements:
            what = _what(statement)
            if what or not statement.holds:
                about = (one.source.teller, statement.predicate, _name(statement.subject))
                begins = (
                    datetime.combine(statement.since, datetime.min.time(), NOON.tzinfo)
                    if statement.since
                    else one.source.at
                )
                said.append(
                    (one.source.id, about, what, statement.holds, begins, statement.predicate in SINGLE)
                )
    found: Spans = {}
    for n, (id, about, what, holds, begins, single) in enumerate(said):
        later = [g for g in said[n + 1 :] if g[1] == about]
        ends = (
            g
            for g in later
            if (g[3] and single and g[2] != what)
            or (not g[3] and g[2] in ((what,) if not single else (what, None)))
        )
        end = next(ends, None) if holds else None
        until = begins if not holds else max(begins, end[4]) if end else None
        found[repr((id, about, what, holds))] = (begins, until)
    return found


def _name(entity: object) -> object:
    return (entity.type, entity.name.casefold()) if entity is not None else None  # type: ignore[attr-defined]


def _what(statement: Statement) -> object:
    return _name(statement.object) or statement.value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
async def test_any_story(graph: Graph, story: list[Learned]) -> None:
    await clear(graph)
    await meet(graph, "ana", "ben")
    await learn(graph, digest, story)
    rows = await graph.run("MATCH (f:Fact) WHERE f.predicate <> 'HAPPENS_ON' RETURN f.validFrom, f.validTo")
    mine = [span for name, span in expected(story).items() if "HAPPENS_ON" not in name]
    assert sorted(map(repr, map(tuple, rows))) == sorted(map(repr, mine))
