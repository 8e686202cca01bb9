"""Every query that a server is told is one that stands in the source, whatever anybody wrote: values stay values."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import pytest_asyncio

from secondme.domain.errors import SecondMeError
from secondme.domain.fact import Entity, EntityType, Gist, Predicate, Statement
from secondme.embedded import Addresses
from secondme.llm.embeddings import LexicalEmbedder
from secondme.memory.embedding import Embedding
from secondme.memory.gists import Reads, Said
from secondme.memory.hearing import Hearing
from secondme.observe.audit import AuditLog
from secondme.owner.remembering import Remembering
from secondme.pipeline.effects import Effects
from secondme.stores.graph import documented
from tests.injection import hostile
from tests.injection.taps import GraphTap, SqlTap, queries, text_of
from tests.memory.a_memory import Memory, a_memory, chat
from tests.stores.graph.conftest import DIMENSION

CALM = "Ana"  # a word like any other
KINDS = ("cypher", "sql", "braces", "terminal", "tools", "whatsapp")


def gist(text: str) -> Gist:
    """What a mind would have found that took everything for a name: each kind of entity and of statement."""
    name = text[:100]
    of = {kind: Entity(kind, name) for kind in EntityType}
    person, place, event = of[EntityType.PERSON], of[EntityType.LOCATION], of[EntityType.EVENT]
    return Gist(
        tuple(of.values()),
        (
            Statement(Predicate.WORKS_AT, person, of[EntityType.COMPANY]),
            Statement(Predicate.LIVES_IN, None, place),
            Statement(Predicate.KNOWS, None, person),
            Statement(Predicate.LOCATED_AT, event, place),
            Statement(Predicate.OCCUPATION, person, value=name),
            Statement(Predicate.NOTE, person, value=text[:200]),
        ),
    )


class Credulous(Memory):
    """A memory that believes all it reads."""

    async def read(self, several: Sequence[Said]) -> list[Gist]:
        return [gist(said.text) for said in several]

    def reader(self, by_model: bool) -> Reads:
        return self.read


@dataclass
class Tapped:
    """A memory, and what its servers are told."""

    memory: Credulous
    graph: GraphTap
    sql: SqlTap

    @property
    def rights(self) -> Remembering:
        world = self.memory.world
        effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
        return Remembering(
            world.ledger, self.memory.graph, self.memory.mirror, world.control, effects, world.clock
        )

    async def told(self) -> set[str]:
        """The texts that the graph was told."""
        await self.memory.graph.query("recent_activity", userId="the last one")
        ends = time.monotonic() + 10
        while not any("the last one" in command for command in self.commands()):
            assert time.monotonic() < ends
            await asyncio.sleep(0.05)
        return {text_of(command) for command in self.commands()}

    def commands(self) -> list[str]:
        return self.graph.commands(self.memory.graph.name)


@asynccontextmanager
async def tapped(addresses: Addresses, template: str, folder: Path) -> AsyncIterator[Tapped]:
    async with SqlTap.before(addresses.database_url or "") as (sql, url):
        through = replace(addresses, database_url=url)
        async with a_memory(through, template, folder) as memory:
            listens = GraphTap(addresses.falkordb_url or "")
            try:
                credulous = Credulous(memory.world, memory.graph, memory.mirror)
                yield Tapped(credulous, listens, sql)
            finally:
                listens.close()


@pytest_asyncio.fixture
async def servers(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Tapped]:
    async with tapped(addresses, template, tmp_path) as opened:
        yield opened


async def tell(servers: Tapped, said: str, folder: Path) -> None:
    """One story in which `said` is whatever somebody else may choose."""
    memory, world = servers.memory, servers.memory.world
    clean = said.replace("\x00", "").encode(errors="replace").decode()
    who = f"+1555{crc32(said.encode(errors='replace')) % 10**7:07d}"
    await world.says(clean, who, name=clean, id=f"{clean[:200]}-1", quotes=clean)
    await world.says(clean, who, name=clean, raw={"payload": clean, clean[:50]: [clean]})
    contact = await world.contact(who)
    await memory.mirror.refresh()
    await memory.learn()
    one = " ".join(clean.split())[:60].replace(":", " ")
    name = f"WhatsApp Chat with {one.replace('/', ' ')}"[:80]
    path = chat(folder / who[1:] / f"{name}.txt", f"{one}: {clean}", f"{one}: hello {clean}")
    report = await memory.imports(path)
    for act in (servers.rights.merge, servers.rights.unmerge):
        await act(str(contact), str(report.partner))
    await Embedding(memory.graph, embedder := LexicalEmbedder(DIMENSION)).embed_once()
    await Hearing(memory.graph, embedder).heard_by(contact, [clean], [clean])
    for question in (clean, f"who works at {clean}?", f"where does {clean} live?", f"what is {clean}?"):
        await servers.rights.ask(question, embedder)
    await commands(servers, clean, contact)


async def commands(servers: Tapped, said: str, contact: Any) -> None:
    """Whatever may be said on the command line; what is refused is refused in words of ours."""
    rights, memory = servers.rights, servers.memory
    for argument in (said, f"fact_{said}"):
        for act in (
            rights.share(argument, contact),
            rights.unshare(argument, contact),
            rights.merge(argument, said),
            rights.unmerge(argument, str(contact)),
            rights.forget_fact(argument),
            rights.why(argument),
            memory.world.control.find(argument, imported=True),
        ):
            with suppress(SecondMeError):
                await act
    fact = (await rights.facts(contact))[0]
    await rights.share(fact.id, contact)
    await rights.why(fact.id)
    await rights.export(contact)
    given = {"id": said, "name": said, "occupation": said, "location": None, "at": memory.world.clock.now()}
    await documented.ask(memory.graph, "person_upsert", given)
    await documented.ask(memory.graph, "person_known", {"contactId": str(contact), "personId": said})


def some(long: bool) -> list[str]:
    found = hostile.few(KINDS, 40 if long else 2)
    print(f"{len(found)} hostile texts through both stores")
    return [hostile.marked(text, number) for number, text in enumerate(found)]


@pytest.mark.timeout(600)
async def test_what_is_said_changes_no_query(servers: Tapped, tmp_path: Path, long: bool) -> None:
    """Neither FalkorDB nor Postgres is told a text that is not ours; the same ones as for harmless words."""
    for calm in (CALM, f"{CALM} Lu"):
        await tell(servers, calm, tmp_path)
        servers.memory.world.clock.jump(timedelta(minutes=2))
    known, before = queries(), set(servers.sql.texts)
    for said in some(long):
        await tell(servers, said, tmp_path)
    told = await servers.told()
    assert [text for text in told if text not in known and text != "RETURN 1"] == []
    assert {known[text] for text in told if text in known} > {
        "learn",
        "heard_by",
        "merge",
        "named",
        "person_upsert",
    }
    assert [text for text in servers.sql.texts if hostile.MARK in text] == []
    assert sorted(set(servers.sql.texts) - before) == []


async def test_what_is_said_stays_what_was_said(servers: Tapped, tmp_path: Path) -> None:
    """The server's own word: it holds what was told, letter by letter, and nothing that a text would have made."""
    memory = servers.memory
    labels = "MATCH (n) UNWIND labels(n) AS label RETURN DISTINCT label ORDER BY label"
    await tell(servers, CALM, tmp_path)
    usual = await memory.graph.run(labels)
    said = [hostile.marked(text) for text in hostile.CYPHER]
    for text in said:
        await tell(servers, text, tmp_path)
    assert await memory.graph.run(labels) == usual
    rows = await memory.graph.run(
        "MATCH (t:Topic) WHERE t.name STARTS WITH $mark RETURN t.name", mark=hostile.MARK
    )
    assert {row[0] for row in rows} >= {" ".join(text.split())[:100] for text in said}
    assert await memory.graph.run("MATCH (u:User) RETURN count(u)") == [[1]]
