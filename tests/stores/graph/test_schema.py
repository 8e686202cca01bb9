"""From nothing and from what an older version left, once and twice: the schema is the documented one."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from secondme.domain.errors import ConfigError
from secondme.embedded import Addresses
from secondme.stores.graph import Graph, schema
from tests.stores.graph.conftest import DIMENSION, a_graph

DOCUMENTED = {"User", "Contact", "Persona", "Person", "Company", "Topic", "Event"}
LOOKUPS = {"Contact.phoneNumber", "Person.name", "Company.name", "Topic.category", "Event.date"}
MEANING = {"Person", "Company", "Topic", "Event", "Location", "Fact"}


async def shape(graph: Graph) -> dict[str, set[Any]]:
    """What the server itself says: unique ids, range and vector indexes."""
    constraints = await graph.query("schema_constraints")
    indexes = await graph.query("schema_indexes")
    kinds = [
        (f"{label}.{key}", kind)
        for label, types, _ in indexes
        for key, all_ in types.items()
        for kind in all_
    ]
    return {
        "unique": {(label, *keys, status) for label, keys, status in constraints},
        "range": {name for name, kind in kinds if kind == "RANGE"},
        "vector": {
            (label, options["embedding"]["dimension"], options["embedding"]["similarityFunction"])
            for label, types, options in indexes
            if "VECTOR" in types.get("embedding", ())
        },
    }


async def everything(graph: Graph) -> list[Any]:
    nodes = await graph.run("MATCH (n) RETURN labels(n), properties(n)")
    return sorted(
        [*await graph.query("schema_indexes"), *await graph.query("schema_constraints"), *nodes], key=str
    )


async def test_a_fresh_graph_has_the_documented_schema(bare: Graph) -> None:
    assert await schema.migrate(bare, DIMENSION)
    found = await shape(bare)
    assert found["unique"] >= {(label, "id", "OPERATIONAL") for label in DOCUMENTED}
    assert found["range"] >= LOOKUPS | {"Entity.pending", "Fact.pending"}
    assert found["vector"] == {(label, DIMENSION, "cosine") for label in MEANING}
    assert await bare.run("MATCH (g:Group) RETURN g.id") == [["everyone"]]


async def test_migrating_twice_changes_nothing(bare: Graph) -> None:
    await schema.migrate(bare, DIMENSION)
    before = await everything(bare)
    assert not await schema.migrate(bare, DIMENSION)
    for one in schema.migrations():  # as after a crash before it was remembered
        await schema.apply(bare, one, DIMENSION)
    assert await everything(bare) == before


async def test_several_starting_at_once_are_one(bare: Graph) -> None:
    await asyncio.gather(*(schema.migrate(bare, DIMENSION) for _ in range(4)))
    assert await bare.query("migrations_applied") == [[one.id] for one in schema.migrations()]
    assert {status for *_, status in (await shape(bare))["unique"]} == {"OPERATIONAL"}
    assert await bare.run("MATCH (g:Group) RETURN count(g)") == [[1]]


async def test_a_graph_of_the_first_version_keeps_what_it_holds(bare: Graph) -> None:
    await schema.apply(bare, schema.migrations()[0], DIMENSION)
    await bare.run(
        """CREATE (:Contact {id: 'c1', name: 'Ana'})-[:KNOWS {since: 1}]->(:Person {id: 'p1', name: 'Bo'}),
             (:Person {id: 'p2', embedding: vecf32($vector)})""",
        vector=[0.5] * DIMENSION,
    )
    assert await bare.query("migrations_applied") == [["0001"]]
    assert await schema.migrate(bare, DIMENSION)
    assert await bare.query("migrations_applied") == [[one.id] for one in schema.migrations()]
    assert await bare.run("MATCH (c:Contact)-[k:KNOWS]->(p) RETURN c {.*}, k.since, p {.*}") == [
        [{"id": "c1", "name": "Ana"}, 1, {"id": "p1", "name": "Bo", "pending": True}]
    ]
    assert await bare.run("MATCH (p:Entity {id: 'p2'}) RETURN p.pending, p.embedding") == [
        [None, [0.5] * DIMENSION]
    ]


@pytest.mark.parametrize("version", [one.id for one in schema.migrations()[:-1]])
async def test_every_older_version_becomes_the_newest(
    addresses: Addresses, bare: Graph, version: str
) -> None:
    for one in schema.migrations():
        if one.id <= version:
            await schema.apply(bare, one, DIMENSION)
    await bare.run(
        """CREATE (:Contact {id: 'c1', name: 'Ana'})-[:KNOWS]->(:Person {id: 'p1', name: 'Bo', occupation: 'nurse'}),
             (:Contact {id: 'c2'})-[:MAY_HEAR {shared: false}]->(:Fact {id: 'f1', key: 'k', validTo: NULL})"""
    )
    held = (
        "MATCH (a:Contact)-[r]->(b) RETURN a.id, type(r), b.id, coalesce(b.occupation, b.key) ORDER BY a.id"
    )
    before = await bare.run(held)
    await schema.migrate(bare, DIMENSION)
    assert await bare.run(held) == before and len(before) == 2
    async with a_graph(addresses) as fresh:
        await schema.migrate(fresh, DIMENSION)
        assert await shape(bare) == await shape(fresh)


async def test_two_of_one_id_are_named_and_mended(bare: Graph) -> None:
    await bare.run("CREATE (:Person {id: 'twice'}), (:Person {id: 'twice'})")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"several Person nodes with one id.*secondme graph migrate"):
            await schema.migrate(bare, DIMENSION)
        assert await bare.query("migrations_applied") == []
    await bare.run("MATCH (p:Person {id: 'twice'}) WITH p LIMIT 1 DELETE p")
    assert await schema.migrate(bare, DIMENSION)


async def test_no_second_node_gets_an_id_that_is_taken(graph: Graph) -> None:
    for label, *_ in await graph.query("schema_constraints"):
        await graph.run(f"CREATE (:{label} {{id: 'x'}})")
        with pytest.raises(Exception, match="refused"):
            await graph.run(f"CREATE (:{label} {{id: 'x'}})")


async def test_another_dimension_makes_every_vector_wait(bare: Graph) -> None:
    await schema.migrate(bare, DIMENSION)
    await bare.run(
        """CREATE (:Topic {id: 't', name: 'sailing', embedding: vecf32($vector), pending: false}),
             (:Fact {id: 'f', embedding: vecf32($vector)}), (:Contact {id: 'c'})""",
        vector=[0.5] * DIMENSION,
    )
    assert await schema.migrate(bare, 2 * DIMENSION)
    assert (await shape(bare))["vector"] == {(label, 2 * DIMENSION, "cosine") for label in MEANING}
    assert await bare.run("MATCH (n) WHERE n.id IN ['t', 'f', 'c'] RETURN n {.*} ORDER BY n.id") == [
        [{"id": "c"}],
        [{"id": "f", "pending": True}],
        [{"id": "t", "name": "sailing", "pending": True}],
    ]
    assert not await schema.migrate(bare, 2 * DIMENSION)
    await bare.run("DROP VECTOR INDEX FOR (t:Topic) ON (t.embedding)")  # as a crash in between leaves it
    assert await schema.migrate(bare, 2 * DIMENSION)
    assert (await shape(bare))["vector"] == {(label, 2 * DIMENSION, "cosine") for label in MEANING}


async def test_the_vector_index_finds_the_nearest(graph: Graph) -> None:
    await graph.run(
        """UNWIND range(0, 7) AS place
           WITH place, [x IN range(0, 7) | CASE x WHEN place THEN 1.0 ELSE 0.0 END] AS vector
           CREATE (t:Topic {id: toString(place), embedding: vecf32(vector)})"""
    )
    nearest = """CALL db.idx.vector.queryNodes('Topic', 'embedding', 1, vecf32($vector)) YIELD node RETURN node.id"""
    assert await graph.run(nearest, vector=[0.1, 0.9, *[0.0] * 6]) == [["1"]]


async def test_a_newer_graph_is_left_alone(graph: Graph) -> None:
    await graph.query("migration_done", id="9999", at=datetime.now(UTC))
    with pytest.raises(ConfigError, match=r"9999.*install the newer SecondMe"):
        await schema.migrate(graph, 3)
    assert {size for _, size, _ in (await shape(graph))["vector"]} == {DIMENSION}


async def test_the_file_for_a_bare_server_is_what_migrations_make(addresses: Addresses, bare: Graph) -> None:
    await schema.migrate(bare, 1536)
    ours = await shape(bare)
    async with a_graph(addresses) as theirs:
        file = schema.Migration("by hand", schema.statements(schema.init_schema()))
        for _ in range(2):
            await schema.apply(theirs, file, 0)
        assert await shape(theirs) == ours
        assert await theirs.run("MATCH (u:User), (g:Group) RETURN u.id, g.id") == [["user-1", "everyone"]]
        await theirs.run("MATCH (m:Migration) DELETE m")
        assert await schema.migrate(theirs, 1536)  # and then ours can be told to go on from there
        assert await shape(theirs) == ours
