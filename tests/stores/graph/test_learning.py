"""What was learned is the same whatever the order, however often, and as if never when it is taken back."""

import asyncio
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secondme.domain.fact import (
    CATEGORIES,
    EVERYONE,
    OWNER,
    Entity,
    EntityType,
    Learned,
    Predicate,
    Statement,
)
from secondme.stores.graph import Graph, mirror
from secondme.stores.graph.forgetting import forget_contact
from secondme.stores.graph.learning import learn, unlearn
from tests.stores.graph.conftest import DIMENSION, Outsider
from tests.stores.graph.telling import (
    CLIMBERS,
    NOON,
    clear,
    company,
    digest,
    dump,
    event,
    lives,
    meet,
    person,
    stories,
    told,
    works,
)

TOPIC = EntityType.TOPIC
OWNER_NODE = mirror.UserNode("", "persona-casual", None, None)
drawn = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def begin(graph: Graph) -> None:
    await clear(graph)
    await meet(graph, "ana", "ben")
    await graph.run("MERGE (:Group {id: $id}) MERGE (:User {id: 'user-1'})", id=CLIMBERS)


@drawn
@given(story=stories(), data=st.data())
async def test_neither_order_nor_batches_matter(
    graph: Graph, story: list[Learned], data: st.DataObject
) -> None:
    await begin(graph)
    await learn(graph, digest, story)
    expected = await dump(graph)
    await begin(graph)
    shuffled = data.draw(st.permutations(story))
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        await learn(graph, digest, shuffled[:size])
        shuffled = shuffled[size:]
    assert await dump(graph) == expected


@drawn
@given(story=stories(), data=st.data())
async def test_what_is_taken_back_leaves_nothing(
    graph: Graph, story: list[Learned], data: st.DataObject
) -> None:
    gone = data.draw(st.sets(st.sampled_from(story).map(lambda one: one.source.id), min_size=1))
    await begin(graph)
    await learn(graph, digest, [one for one in story if one.source.id not in gone])
    expected = await dump(graph)
    await begin(graph)
    await learn(graph, digest, story)
    await unlearn(graph, gone)
    assert await dump(graph) == expected


@drawn
@given(story=stories())
async def test_the_same_again_changes_nothing(graph: Graph, story: list[Learned]) -> None:
    await begin(graph)
    assert await learn(graph, digest, [*story, story[0]]) == len(story)
    expected = await dump(graph)
    assert await learn(graph, digest, story) == 0
    assert await dump(graph) == expected


async def test_several_at_once_learn_it_once(graph: Graph) -> None:
    batch = [told(f"m{n}", works("Acme", "Bob"), naming=[person("Eve")]) for n in range(20)]
    new = await asyncio.gather(*(learn(graph, digest, batch[n:] + batch[:n]) for n in range(8)))
    assert sum(new) == 20
    found = await graph.run("MATCH (:Contact)-[m:MENTIONED]->(e) RETURN e.name, m.times")
    assert sorted(found) == [["Acme", 20], ["Bob", 20], ["Eve", 20]]


async def test_a_batch_that_was_answered_into_the_void_counts_once(graph: Graph) -> None:
    """The connection broke after the commit, so the same transaction is sent again."""
    from secondme.stores.graph.learning import _learning
    from secondme.stores.graph.shaping import shape

    steps = _learning(shape(digest, [told("m1", works("Acme", "Bob"))]))
    await graph.transaction(steps)
    expected = await dump(graph)
    await graph.transaction(steps)
    assert await dump(graph) == expected


async def test_the_documented_nodes_and_relationships(graph: Graph, outsider: Outsider) -> None:
    await meet(graph, "ana")
    said = told(
        "m1",
        works("Acme", "Bob"),
        Statement(Predicate.OCCUPATION, person("Bob"), value="nurse"),
        Statement(Predicate.NOTE, person("Bob"), value="likes tea"),
        lives("Lisbon"),
        Statement(Predicate.KNOWS, person("Bob"), person("Eve")),
        Statement(Predicate.ATTENDED, person("Eve"), event("Trip")),
        Statement(Predicate.LOCATED_AT, event("Trip"), Entity(EntityType.LOCATION, "Paris")),
        naming=[
            Entity(TOPIC, "Chess", "Entertainment"),
            Entity(TOPIC, "Yoga"),
            event("Trip", date(2026, 5, 1)),
        ],
    )
    await learn(graph, digest, [said])
    edges = await outsider("MATCH (a)-[r]->(b) WHERE a.name IS NOT NULL RETURN a.name, type(r), b.name")
    assert {tuple(edge) for edge in edges if edge[1] not in ("MENTIONED", "MAY_HEAR")} == {
        ("Ana", "KNOWS", "Bob"),
        ("Ana", "KNOWS", "Eve"),
        ("Ana", "DISCUSSED", "Trip"),
        ("Ana", "SAME_AS", "Ana"),
        ("Ana", "LIVES_IN", "Lisbon"),
        ("Bob", "WORKS_AT", "Acme"),
        ("Bob", "KNOWS", "Eve"),
        ("Eve", "ATTENDED", "Trip"),
        ("Trip", "LOCATED_AT", "Paris"),
    }
    mentioned = {edge[2] for edge in edges if edge[1] == "MENTIONED"}
    assert mentioned == {"Bob", "Acme", "Lisbon", "Eve", "Trip", "Paris", "Chess", "Yoga"}
    assert await outsider("MATCH (p:Person {name: 'Bob'}) RETURN p.occupation, p.notes") == [
        ["nurse", "likes tea"]
    ]
    assert await outsider("MATCH (p:Person {self: true}) RETURN p.name, p.location") == [["Ana", "Lisbon"]]
    assert await outsider("MATCH (e:Event) RETURN toString(e.date)") == [["2026-05-01"]]
    assert sorted(await outsider("MATCH (t:Topic) RETURN t.name, t.category")) == [
        ["Chess", "Entertainment"],
        ["Yoga", CATEGORIES[-1]],
    ]


async def test_the_owner_names_and_nobody_has_mentioned_it(graph: Graph) -> None:
    await meet(graph, "ana")
    await learn(graph, digest, [told("m1", lives("Lisbon"), by=OWNER, to="ana", naming=[company("Acme")])])
    assert await graph.run("MATCH (:Contact)-[r]->(:Entity) RETURN type(r)") == []
    assert await graph.run("MATCH (s:Source)-[:NAMES]->(e) RETURN count(e)") == [[3]]
    assert await graph.run("MATCH (c)-[:MAY_HEAR]->(f:Fact) RETURN c.id, f.teller") == [["ana", OWNER]]


async def test_the_owner_attended_what_they_say_of_themselves(graph: Graph) -> None:
    """As long as they say so; what others attended, and what others say that they did, is not theirs."""
    attended = Predicate.ATTENDED
    story = [
        told("m1", Statement(attended, None, event("Gala")), by=OWNER, to="ana"),
        told("m2", Statement(attended, None, event("Fair")), by=OWNER, to="ben", at=1),
        told("m3", Statement(attended, person("Eve"), event("Trip")), by=OWNER, to="ana", at=2),
        told("m4", Statement(attended, None, event("Party")), by="ana", at=3),
        told("m5", Statement(attended, None, event("Fair"), holds=False), by=OWNER, to="ben", at=4),
        told("m6", Statement(attended, None, event("Wake")), by=OWNER, to="ana", at=5),
        told("m7", by=OWNER, to="ben", naming=[event("Wake")]),
    ]
    await meet(graph, "ana", "ben")
    await learn(graph, digest, story[:1])  # before the owner's node is there
    await mirror.put_user(graph, OWNER_NODE, NOON)
    assert await _attended(graph) == ["Gala"]
    await learn(graph, digest, story[1:2])
    assert await _attended(graph) == ["Fair", "Gala"]
    await learn(graph, digest, story[2:])
    assert await _attended(graph) == ["Gala", "Wake"]
    await graph.run("MATCH (u:User)-[r:ATTENDED]->() DELETE r")
    await graph.run("MATCH (u:User), (e:Event {name: 'Trip'}) CREATE (u)-[:ATTENDED]->(e)")
    await mirror.put_user(graph, OWNER_NODE, NOON)
    assert await _attended(graph) == ["Gala", "Wake"]
    await unlearn(graph, ["m6"])
    assert await _attended(graph) == ["Gala"]
    await forget_contact(graph, "ana")
    assert await _attended(graph) == []


async def _attended(graph: Graph) -> list[str]:
    rows = await graph.run("MATCH (:User {id: 'user-1'})-[:ATTENDED]->(e:Event) RETURN e.name")
    return sorted(row[0] for row in rows)


async def test_one_name_of_two_tellers_is_two(graph: Graph) -> None:
    await learn(
        graph, digest, [told("m1", works("Acme", "Bob")), told("m2", works("Initech", "Bob"), by="ben")]
    )
    found = await graph.run("MATCH (p:Person)-[:WORKS_AT]->(c:Company) RETURN p.name, c.name")
    assert sorted(found) == [["Bob", "Acme"], ["Bob", "Initech"]]


@pytest.mark.parametrize(
    ("audience", "label"), [("ana", "Contact"), (CLIMBERS, "Group"), (EVERYONE, "Group")]
)
async def test_who_heard_it_may_hear_it(graph: Graph, audience: str, label: str) -> None:
    await learn(graph, digest, [told("m1", works("Acme", "Bob"), to=audience)])
    found = await graph.run("MATCH (l)-[m:MAY_HEAR]->(:Fact) RETURN l.id, labels(l), m.shared")
    assert found == [[audience, [label], False]]


async def test_hostile_names_are_names(graph: Graph, outsider: Outsider) -> None:
    hostile = [
        '"} MATCH (n) DETACH DELETE n //',
        "\\",
        "x" * 300,
        "nul\0 and \ud800",
        "{s} {o} $rows",
        "  \x1f ",
    ]
    await learn(graph, digest, [told("m1", *(works(name, name) for name in hostile), works("Acme", "Bob"))])
    names = {row[0] for row in await outsider("MATCH (c:Company) RETURN c.name")}
    assert names == {hostile[0], "\\", "x" * 100, "nul\ufffd and \ufffd", hostile[4], "Acme"}


async def test_a_dump_tells_vectors_apart_that_hold_the_same_numbers(graph: Graph) -> None:
    """And lists not, whose order says nothing."""

    async def dumped(vector: list[float], aliases: list[str]) -> tuple[list[str], list[str]]:
        await graph.run(
            "MERGE (n:Topic {id: 'it'}) SET n.embedding = vecf32($vector), n.aliases = $aliases",
            vector=vector,
            aliases=aliases,
        )
        return await dump(graph)

    one, other = [float(n) for n in range(DIMENSION)], [float(n) for n in reversed(range(DIMENSION))]
    first = await dumped(one, ["a", "b"])
    assert await dumped(one, ["b", "a"]) == first != await dumped(other, ["a", "b"])
