"""Export shows everything; forgetting leaves nothing, in the graph nor in its files."""

import asyncio
import json
from pathlib import Path

import pytest

from secondme.domain.errors import NotFound
from secondme.domain.fact import OWNER, Predicate, Statement
from secondme.stores.graph import Graph
from secondme.stores.graph.embedding import embed, unembedded
from secondme.stores.graph.forgetting import export_contact, forget_contact, forget_fact, rewrite_files
from secondme.stores.graph.learning import learn
from secondme.stores.graph.sharing import merge, share
from tests.stores.graph.conftest import DIMENSION
from tests.stores.graph.telling import CLIMBERS, digest, dump, lives, meet, person, told, works

CANARY = "canary-7f3a"


def note(text: str) -> Statement:
    return Statement(Predicate.NOTE, None, value=text)


async def files_with(graph: Graph, words: str) -> set[str]:
    """The server's files in which these words stand as they are."""
    _, folder = await graph.command("CONFIG", "GET", "dir")
    files = [file for file in Path(folder).rglob("*") if file.is_file()]
    return {file.name for file in files if words.encode() in file.read_bytes()}


async def test_nothing_of_a_contact_is_left(graph: Graph) -> None:
    """First in the files as written, then in a whole rewriting of them, and at last in none."""
    await graph.command("CONFIG", "SET", "rdbcompression", "no")  # so that there is something to find
    await meet(graph, "ana", "ben")
    kept = told("kept", works("Acme", "Bob"), by="ben")
    await learn(graph, digest, [kept])
    before = await dump(graph)
    await meet(graph, CANARY)
    said = [
        told("a", lives(f"{CANARY} town"), note(f"{CANARY} note"), by=CANARY),
        told("b", works(f"{CANARY} works", "Bob"), by=OWNER, to=CANARY),
        told("c", lives(f"{CANARY} village"), by=CANARY, to=CLIMBERS),
    ]
    await learn(graph, digest, said)
    await embed(graph, [(id, [1.0] * DIMENSION) for id, text in await unembedded(graph) if CANARY in text])
    await merge(graph, CANARY, "ben")
    await share(graph, (await graph.run("MATCH (f:Fact {source: 'a'}) RETURN f.id"))[0][0], "ben")
    assert await files_with(graph, CANARY)
    await rewrite_files(graph)
    assert await files_with(graph, CANARY)

    gone = await forget_contact(graph, CANARY)
    assert (gone.sources, gone.facts) == (3, 4)
    assert gone.rewritten_at is not None
    await graph.run("MATCH (g:Group {id: $id}) DELETE g", id=CLIMBERS)
    assert await dump(graph) == before
    for _ in range(500):  # the server unlinks the old files a moment later
        if not await files_with(graph, CANARY):
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("it stands in a file")
    assert await graph.command("GRAPH.SLOWLOG", graph.name) == []
    again = await forget_contact(graph, CANARY)
    assert (again.sources, again.facts, again.entities) == (0, 0, 0)


async def test_of_two_who_were_merged_the_other_keeps_theirs(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(graph, digest, [told("b", lives("Rome"), by="ben")])
    before = await dump(graph)
    await learn(graph, digest, [told("a", lives("Porto"))])
    await merge(graph, "ana", "ben")
    await forget_contact(graph, "ana")
    await meet(graph, "ana")
    assert await dump(graph) == before


async def test_one_fact(graph: Graph) -> None:
    """With what was named for it alone; what it had ended goes on."""
    await meet(graph, "ana")
    await learn(graph, digest, [told("a", lives("Porto"), at=1)])
    ((one,),) = await graph.run("MATCH (f:Fact) RETURN f.id")
    before = await dump(graph)
    await learn(graph, digest, [told("b", lives("Rome"), at=2)])
    ((rome,),) = await graph.run("MATCH (f:Fact) WHERE f.id <> $one RETURN f.id", one=one)
    gone = await forget_fact(graph, rome)
    assert (gone.facts, gone.entities) == (1, 1)
    await graph.run("MATCH (s:Source {id: 'b'}) DETACH DELETE s")
    assert await dump(graph) == before
    with pytest.raises(NotFound):
        await forget_fact(graph, rome)


async def test_one_fact_that_was_said_again_and_again(graph: Graph) -> None:
    """All of it by one teller goes, in whichever chat; what others say stays."""
    await meet(graph, "ana", "ben")
    said = [told(f"{n}", lives("Rome"), naming=[person("Bob")], at=n) for n in range(3)]
    ended = [told("no", lives("Rome", holds=False), at=5), told("o", lives("Oslo"), at=6)]
    await learn(graph, digest, [*said, told("g", lives("rome"), to=CLIMBERS, at=4), *ended])
    await learn(graph, digest, [told("b", lives("Rome"), by="ben")])
    ((rome,),) = await graph.run("MATCH (f:Fact {source: '1'}) RETURN f.id")
    gone = await forget_fact(graph, rome)
    assert (gone.facts, gone.entities) == (4, 0)  # that she left Rome stands, and names it
    rows = await graph.run("MATCH (f:Fact) RETURN f.source ORDER BY f.source")
    assert rows == [["b"], ["no"], ["o"]]
    assert await graph.run("MATCH (:Source {id: '1'})-[:NAMES]->(e) RETURN e.name") == [["Bob"]]


async def test_one_fact_leaves_what_others_of_its_message_name(graph: Graph) -> None:
    await meet(graph, "ana")
    await learn(graph, digest, [told("a", works("Acme", "Bob"), lives("Porto", "Bob"))])
    ((fact,),) = await graph.run("MATCH (f:Fact {predicate: 'WORKS_AT'}) RETURN f.id")
    await forget_fact(graph, fact)
    assert sorted(await graph.run("MATCH (e:Entity) RETURN e.name")) == [["Bob"], ["Porto"]]
    assert await learn(graph, digest, [told("a", works("Acme", "Bob"))]) == 0  # and it does not come back


async def test_everything_is_in_the_export(graph: Graph) -> None:
    await meet(graph, "ana", "ben")
    await learn(
        graph,
        digest,
        [
            told("a", lives("Porto"), naming=[person("Bob")]),
            told("b", works("Acme"), by=OWNER, to="ana", at=1),
            told("c", lives("Oslo"), by="ben", at=2),
        ],
    )
    await merge(graph, "ana", "ben")
    found = await export_contact(graph, "ana")
    assert found["contact"] == {"id": "ana", "name": "Ana", "phoneNumber": "ana"}
    assert found["merged"] == ["ben"]
    assert [(source["id"], source["teller"]) for source in found["sources"]] == [("a", "ana"), ("b", OWNER)]
    assert {entity["name"] for entity in found["entities"]} == {"Ana", "Bob", "Porto", "The owner", "Acme"}
    assert {fact["text"] for fact in found["facts"]} == {
        "Ana lives in Porto",
        "The owner works at Acme",
        "Ben lives in Oslo",
    }
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(found, default=list))


async def test_who_is_not_there_has_nothing(graph: Graph) -> None:
    found = await export_contact(graph, "nobody")
    assert found["contact"] == {"id": "nobody"}
    assert not any(found[what] for what in ("groups", "merged", "sources", "entities", "facts"))
