"""The graph's User, Contact and Persona nodes are the ledger's, soon after it has changed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest_asyncio

from secondme.domain.fact import Entity, EntityType, Gist, Learned, Predicate, Source, Statement
from secondme.embedded import Addresses
from secondme.memory.mirroring import Mirror, Sleep
from secondme.pipeline.personas import Personas
from secondme.profiles.personas import DEFAULT_PERSONAS
from secondme.settings import Settings
from secondme.stores.graph import Graph, schema
from secondme.stores.graph.forgetting import forget_contact
from secondme.stores.graph.learning import learn
from secondme.stores.graph.values import Row, Value
from secondme.stores.ledger import people, voices
from secondme.wiring import open_app
from tests.stores.graph.conftest import DIMENSION, a_graph
from tests.support.stores import copy_of, drop_database
from tests.support.world import World

SLEEP = Sleep(time(23), time(6, 30))


@dataclass
class Both:
    """A ledger that grows, and a graph that repeats it."""

    world: World
    graph: Graph
    mirror: Mirror

    def another_mirror(self) -> Mirror:
        """As a process that has just started."""
        personas = Personas(self.world.ledger, self.world.signals)
        return Mirror(self.world.ledger, self.graph, personas, self.world.clock, DIMENSION, SLEEP)

    async def seen(self) -> dict[str, dict[str, Any]]:
        """Contacts by name, as an outsider finds them."""
        rows = await self.graph.run("MATCH (:User {id: 'user-1'})-[:HAS_CONTACT]->(c:Contact) RETURN c {.*}")
        return {row[0]["name"]: row[0] for row in rows}

    async def relate(self, relationship: str, persona: str | None) -> None:
        async with self.world.ledger.transaction() as tx:
            await people.set_relationship(tx, await self.world.contact(), relationship, persona)

    async def queries(self) -> int:
        """How many queries that may write the server has had."""
        found = await self.graph.command("INFO", "commandstats")
        return int(next((v["calls"] for k, v in found.items() if k.lower() == "cmdstat_graph.query"), 0))


@pytest_asyncio.fixture
async def both(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Both]:
    async with (
        World.open(addresses, template, tmp_path, run=False) as world,
        a_graph(addresses) as graph,
    ):
        personas = Personas(world.ledger, world.signals)
        yield Both(world, graph, Mirror(world.ledger, graph, personas, world.clock, DIMENSION, SLEEP))


async def test_the_documented_nodes(both: Both) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    said_at = before - timedelta(minutes=5)
    await both.world.says("hello", sent_at=said_at)
    assert await both.mirror.refresh() == 1
    (ana,) = (await both.seen()).values()
    assert before <= ana.pop("createdAt") <= ana.pop("updatedAt") <= datetime.now(UTC)
    assert ana == {
        "id": str(await both.world.contact()),
        "phoneNumber": "+15550100",
        "name": "Ana",
        "relationshipType": "acquaintance",
        "botEnabled": True,
        "lastInteraction": said_at,
        "mirrored": True,
    }
    ((user,),) = await both.graph.run("MATCH (u:User) RETURN u {.*}")
    assert before <= user.pop("createdAt") <= user.pop("updatedAt")
    assert user == {
        "id": "user-1",
        "phoneNumber": "",
        "defaultPersona": "persona-casual",
        "sleepHoursStart": "23:00:00",
        "sleepHoursEnd": "06:30:00",
    }


async def test_the_personas(both: Both) -> None:
    await both.mirror.refresh()
    rows = await both.graph.run("MATCH (:User)-[:HAS_PERSONA]->(p:Persona) RETURN p {.*}")
    found = {row[0]["id"]: row[0] for row in rows}
    assert found.keys() == {persona.id for persona in DEFAULT_PERSONAS}
    for persona in DEFAULT_PERSONAS:
        times = {found[persona.id].pop(name) for name in ("createdAt", "updatedAt")}
        assert all(isinstance(moment, datetime) for moment in times)
        assert found[persona.id] == {
            "id": persona.id,
            "name": persona.name,
            "tone": persona.tone,
            "styleGuide": persona.style_guide,
            "exampleMessages": list(persona.examples),
            "applicableTo": list(persona.applicable_to),
        }
    async with both.world.ledger.transaction() as tx:
        await tx.execute("DELETE FROM personas WHERE id = 'persona-family'")
    await both.another_mirror().refresh()
    assert await both.graph.run("MATCH (p:Persona) RETURN count(p)") == [[2]]


async def test_what_changes_is_written_and_nothing_else(both: Both) -> None:
    await both.world.says("hello")
    await both.world.says("hello", "+15550101", name="Ben")
    assert await both.mirror.refresh() == 2
    wrote = await both.queries()
    assert await both.mirror.refresh() == 0
    assert await both.queries() == wrote
    await both.relate("family", "persona-family")
    assert await both.mirror.refresh() == 1
    ana = (await both.seen())["Ana"]
    assert (ana["relationshipType"], ana["assignedPersona"]) == ("family", "persona-family")
    await both.relate("family", None)
    both.world.clock.jump(timedelta(hours=1))
    at = both.world.clock.now()
    await both.world.says("later", sent_at=at)
    assert await both.mirror.refresh() == 1
    ana = (await both.seen())["Ana"]
    assert "assignedPersona" not in ana
    assert ana["lastInteraction"] == at.replace(microsecond=0)


async def test_somebodys_own_person_is_called_as_they_are(both: Both) -> None:
    await both.world.says("hello")
    await both.graph.run(
        """CREATE (c:Contact {id: $id})-[:SAME_AS]->(:Person {id: 'p1', self: true, name: '?'}),
             (c)-[:SAME_AS]->(:Person {id: 'p2', name: 'Annie'})""",
        id=str(await both.world.contact()),
    )
    await both.mirror.refresh()
    assert await both.graph.run("MATCH (p:Person) RETURN p.name ORDER BY p.id") == [["Ana"], ["Annie"]]


async def test_whether_somebody_is_answered(both: Both) -> None:
    await both.world.says("hello")
    await both.world.says("hello", "+15550101", name="Ben")
    await both.mirror.refresh()
    async with both.world.ledger.transaction() as tx:
        await people.set_enabled(tx, await both.world.contact(), False)
    await both.mirror.refresh()
    assert {name: one["botEnabled"] for name, one in (await both.seen()).items()} == {
        "Ana": False,
        "Ben": True,
    }
    await both.world.switch.press()
    await both.mirror.refresh()
    assert not any(one["botEnabled"] for one in (await both.seen()).values())
    await both.world.switch.resume()
    await both.mirror.refresh()
    assert (await both.seen())["Ben"]["botEnabled"]


async def test_who_is_forgotten_goes(both: Both) -> None:
    await both.graph.run("CREATE (:Contact {id: 'of an import', name: 'Mara'})")
    for number in range(3):
        await both.world.says("hello", f"+1555010{number}", name=f"Ana {number}")
    await both.mirror.refresh()
    ana = str(await both.world.contact("+15550100"))
    said = Gist(
        (Entity(EntityType.TOPIC, "sailing"),), (Statement(Predicate.NOTE, None, value="Ana sails."),)
    )
    heard = Learned(Source("m1", ana, ana, both.world.clock.now()), said)
    assert await learn(both.graph, both.world.ledger.vault.digest, [heard]) == 1
    await both.world.control.forget(UUID(ana))
    await both.mirror.refresh()
    assert await both.graph.run("MATCH (f:Fact) RETURN count(f)") == [[1]], "its forgetter counts what goes"
    await both.mirror.refresh()
    assert set(await both.seen()) == {"Ana 1", "Ana 2"}
    assert await both.graph.run("MATCH (n) WHERE n:Fact OR n:Topic OR n:Source RETURN count(n)") == [[0]]
    await both.world.control.forget(await both.world.contact("+15550101"))
    another = both.another_mirror()
    for _ in range(2):
        await another.refresh()
    assert set(await both.seen()) == {"Ana 2"}
    assert await both.graph.run("MATCH (c:Contact) RETURN count(c)") == [[2]]


class SlowGraph(Graph):
    """One that hands contacts on when `until` has ended, or half a second later."""

    until: asyncio.Task[None]
    asked: asyncio.Event

    async def query(self, name: str, /, **parameters: Value) -> list[Row]:
        if name == "mirror_contacts":
            self.asked.set()
            await asyncio.wait({self.until}, timeout=0.5)
        return await super().query(name, **parameters)


async def test_nobody_is_written_after_they_were_forgotten(both: Both, addresses: Addresses) -> None:
    await both.mirror.refresh()
    await both.world.says("hello")
    contact, slow = await both.world.contact(), SlowGraph(addresses.falkordb_url or "", both.graph.name)

    async def forget() -> None:
        await slow.asked.wait()
        await both.world.control.forget(contact)
        await forget_contact(both.graph, str(contact))

    slow.asked, slow.until = asyncio.Event(), asyncio.create_task(forget())
    both.graph, ours = slow, both.graph
    await asyncio.gather(both.another_mirror().refresh(), slow.until)
    await slow.close()
    both.graph = ours
    assert await both.seen() == {}


async def test_a_graph_that_was_emptied_is_filled_again(both: Both) -> None:
    await both.world.says("hello")
    await both.mirror.refresh()
    await both.graph.command("GRAPH.DELETE", both.graph.name)
    await both.mirror.refresh()
    assert set(await both.seen()) == {"Ana"}
    assert await both.graph.run("MATCH (p:Persona) RETURN count(p)") == [[3]]


async def test_a_rebuild_mends_what_somebody_else_wrote(both: Both) -> None:
    await both.world.says("hello")
    await both.mirror.refresh()
    await both.graph.run(
        "MATCH (n) WHERE n:Contact OR n:User OR n:Persona SET n.name = 'CANARY', n.id = 'x' + n.id"
    )
    await both.graph.run("MATCH (u:User) DELETE u")
    assert await both.mirror.rebuild() == 1
    assert set(await both.seen()) == {"Ana"}


async def test_a_process_that_serves_starts_without_its_graph(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    dsn, told = await copy_of(addresses.database_url or "", template), list[str]()
    given = {"data_dir": tmp_path, "database_url": dsn, "redis_url": addresses.redis_url}
    try:
        for url in ("redis://127.0.0.1:1", addresses.falkordb_url):
            app = await open_app(
                Settings.model_validate({**given, "falkordb_url": url}), told.append, serves=True
            )
            await app.close()
    finally:
        await drop_database(addresses.database_url or "", urlsplit(dsn).path[1:])
    assert [line for line in told if "FalkorDB" in line] == [
        "FalkorDB at 127.0.0.1:1 does not answer (ConnectionError). Start it, or correct FALKORDB_URL."
    ]
    graph = Graph(addresses.falkordb_url or "")
    assert await graph.query("migrations_applied") == [[one.id] for one in schema.migrations()]
    await graph.close()


async def test_no_persona_is_written_as_it_was(both: Both) -> None:
    """Whoever forgets a chat has its quotes out of the graph, whatever another process still has in mind."""
    ledger = both.world.ledger
    known = Personas(ledger, both.world.signals)
    first = (await known.all())[0]
    changed = replace(first, examples=("as", "it is", "now"))
    async with ledger.transaction() as tx:
        await voices.put_persona(tx, ledger.vault, changed, both.world.clock.now())
    stale = Mirror(ledger, both.graph, known, both.world.clock, DIMENSION)
    await stale.refresh()
    question = "MATCH (p:Persona {id: $id}) RETURN p.exampleMessages"
    assert await both.graph.run(question, id=first.id) == [[["as", "it is", "now"]]]
