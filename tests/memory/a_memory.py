"""A ledger that hears, a graph that learns from it, and rules so simple that a test can write for them."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from secondme.domain.fact import Entity, EntityType, Gist, Predicate, Statement
from secondme.embedded import Addresses
from secondme.memory.gists import Reads, Said, by_rules
from secondme.memory.import_worker import ImportWorker
from secondme.memory.importing import Report
from secondme.memory.live import Learner
from secondme.memory.mirroring import Mirror
from secondme.observe.audit import AuditLog
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import HISTORY, Effects
from secondme.pipeline.personas import Personas
from secondme.stores.graph import Graph
from tests.stores.graph.conftest import DIMENSION, a_graph
from tests.support.world import World

ZONE = ZoneInfo("Asia/Kolkata")


def rule(text: str, at: datetime) -> Gist:
    """`I live in PLACE`, `met NAME`; `boom` is more than rules can take."""
    if "boom" in text:
        raise ZeroDivisionError
    lives = [Entity(EntityType.LOCATION, found) for found in re.findall(r"I live in (\w+)", text)]
    met = [Entity(EntityType.PERSON, found) for found in re.findall(r"met (\w+)", text)]
    return Gist((*met, *lives), tuple(Statement(Predicate.LIVES_IN, None, place) for place in lives))


@dataclass
class Memory:
    """What hears and what learns. `said`: everything that was read, in order."""

    world: World
    graph: Graph
    mirror: Mirror
    said: list[Said] = field(default_factory=list)
    by_model: list[bool] = field(default_factory=list)

    def learner(self, graph: Graph | None = None) -> Learner:
        """As a process that has just started."""
        world, used = self.world, graph or self.graph
        mirror = self.another_mirror(used)
        bell = Doorbell(world.signals, HISTORY, "graph-worker")
        return Learner(world.ledger, used, mirror, self.read, bell, world.clock, ZONE)

    def another_mirror(self, graph: Graph | None = None) -> Mirror:
        """As another process has one."""
        world = self.world
        personas = Personas(world.ledger, world.signals)
        return Mirror(world.ledger, graph or self.graph, personas, world.clock, DIMENSION)

    async def read(self, several: Sequence[Said]) -> list[Gist]:
        self.said += several
        return await by_rules(rule)(several)

    async def learn(self) -> None:
        """Whatever waits."""
        learner = self.learner()
        while await learner.learn_once():
            pass

    def import_worker(self, graph: Graph | None = None) -> ImportWorker:
        """As a process that has just started."""
        world, used = self.world, graph or self.graph
        effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
        return ImportWorker(
            world.ledger, used, self.mirror, effects, self.reader, world.clock, ZONE, world.folder / "imports"
        )

    def reader(self, by_model: bool) -> Reads:
        self.by_model.append(by_model)
        return self.read

    async def imports(self, path: Path, me: str = "Lena", **more: Any) -> Report:
        """A chat, and all of what memory learns from it."""
        report = await self.world.importer.run(path, me, keep_voice=False, **more)
        while await self.import_worker().work_once():
            pass
        return report

    async def facts(self) -> list[list[Any]]:
        """(who told it, who may hear it, where they live, whether they still do)."""
        return await self.graph.run(
            """MATCH (l)-[:MAY_HEAR]->(f:Fact) MATCH (place:Location {id: f.object})
               RETURN f.teller, l.id, place.name, f.validTo IS NULL ORDER BY f.place"""
        )

    async def named(self) -> list[tuple[str, int]]:
        """Whom contacts have mentioned, and how often."""
        rows = await self.graph.run(
            "MATCH (:Contact)-[m:MENTIONED]->(p:Person) RETURN p.name, m.times ORDER BY p.name"
        )
        return [(row[0], row[1]) for row in rows]

    async def run(self, statement: str) -> None:
        """Something that the ledger's own verbs would not do."""
        async with self.world.ledger.transaction() as tx:
            await tx.execute(statement)

    async def waiting(self) -> int:
        count: int = await self.world.value("SELECT count(*) FROM messages WHERE learned_at IS NULL")
        return count


def chat(path: Path, *lines: str, filler: int = 12) -> Path:
    """A chat as Android exports it: `AUTHOR: TEXT` a minute, after enough of Lena's to have a voice."""
    at = datetime(2026, 1, 30, 9)
    every = [*(f"Lena: so that is number {n} then" for n in range(filler)), *lines]
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "".join(f"{at + timedelta(minutes=n):%d/%m/%Y, %H:%M} - {line}\n" for n, line in enumerate(every))
    )
    return path


@asynccontextmanager
async def a_memory(addresses: Addresses, template: str, folder: Path) -> AsyncIterator[Memory]:
    """With a graph of its own; nothing answers."""
    async with World.open(addresses, template, folder, run=False) as world, a_graph(addresses) as graph:
        personas = Personas(world.ledger, world.signals)
        mirror = Mirror(world.ledger, graph, personas, world.clock, DIMENSION)
        await mirror.refresh()
        yield Memory(world, graph, mirror)
