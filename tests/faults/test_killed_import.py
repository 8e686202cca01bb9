"""A graph worker is killed again and again while it learns from a chat: what is known ends as if it had lived."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import asyncpg
import pytest

from secondme.embedded import EmbeddedStores
from secondme.stores.graph import Graph
from tests.faults.children import SOURCE, Service, environment
from tests.stores.graph.telling import dump

SEED = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()
SAYS = (
    "I moved to Lisbon last week, it is lovely",
    "my friend Carla works at Siemens now",
    "ok, see you at the station",
    "dinner with Bob on 12 March 2026?",
    "haha no way",
    "I work at Acme GmbH since monday",
    "we were in Berlin with Anna",
    "Tom's birthday is on 3 May 2026",
)
# The mirror's own times, and those of what it mirrors, are of the run and not of the chat.
_TIMELESS = "MATCH (n) WHERE n:User OR n:Contact OR n:Persona SET n.createdAt = NULL, n.updatedAt = NULL"


def write_chat(path: Path, messages: int, chance: Random) -> None:
    at = datetime(2026, 1, 30, 9)
    with path.open("w") as file:
        for number in range(messages):
            at += timedelta(seconds=chance.randint(5, 300))
            who = ("Lena", "Mara", "Tom")[number % 3]
            file.write(f"{at:%d/%m/%Y, %H:%M} - {who}: {chance.choice(SAYS)}\n")


@dataclass
class Learning:
    """Stores, a graph worker that may be killed, and a chat that waits."""

    folder: Path
    settings: dict[str, str]
    worker: Service
    graph: Graph
    chat: Path

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path, messages: int, chance: Random) -> AsyncIterator["Learning"]:
        stores = await EmbeddedStores.attach(folder / "stores")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        urls = stores.addresses
        settings = environment(
            SOURCE,
            DATABASE_URL=urls.database_url or "",
            REDIS_URL=urls.redis_url or "",
            FALKORDB_URL=urls.falkordb_url or "",
            SECONDME_DATA_DIR=str(folder / "data"),
            GRAPH_WORKER_PORT=str(port),
        )
        chat = folder / "WhatsApp Chat with Climbers.txt"
        write_chat(chat, messages, chance)
        worker, graph = Service("graph-worker", port, settings, folder), Graph(settings["FALKORDB_URL"])
        try:
            yield cls(folder, settings, worker, graph, chat)
        finally:
            worker.kill()
            await graph.close()
            await stores.detach()

    async def imports(self) -> None:
        """Have the chat wait; no worker runs."""
        arguments = ("import", str(self.chat), "--me", "Lena", "--detach")
        command = [sys.executable, "-c", "from secondme.cli import main; main()", *arguments]
        done = await asyncio.to_thread(
            subprocess.run, command, env=self.settings, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr

    async def at(self) -> tuple[str, int]:
        """The import's state, and how many messages are learned."""
        connection = await asyncpg.connect(self.settings["DATABASE_URL"])
        try:
            row = await connection.fetchrow("SELECT state, done FROM imports")
        finally:
            await connection.close()
        assert row
        return row["state"], row["done"]

    async def known(self) -> tuple[list[str], list[str]]:
        """All that the graph knows, once the import is done and every vector made."""
        self.worker.start()
        ends = time.monotonic() + 120
        while (await self.at())[0] != "done" or await self._waiting():
            assert self.worker.running
            assert time.monotonic() < ends, await self.at()
            await asyncio.sleep(0.1)
        self.worker.kill()
        await self.graph.run(_TIMELESS)
        return await dump(self.graph)

    async def _waiting(self) -> bool:
        rows = await self.graph.run("MATCH (n) WHERE n.pending RETURN count(n)")
        return rows != [[0]]


async def _killed(learning: Learning, times: int, chance: Random) -> set[int]:
    """Kill it in so many moments of its work; returns how far it was each time."""
    deaths = set()
    for number in range(times):
        before = await learning.at()
        assert before[0] == "waiting", f"it was done after {number} of {times} deaths"
        point = ("import.learned:1", "import.committed:1", None)[number % 3]
        learning.worker.start(point)
        if point:
            await learning.worker.dies_of(point.partition(":")[0], 60)
        else:  # somewhere
            await learning.worker.listens()
            await asyncio.sleep(chance.uniform(0, 0.4))
            learning.worker.kill()
        deaths.add((await learning.at())[1])
    return deaths


@pytest.mark.timeout(600)
async def test_a_killed_import_ends_as_one_that_was_not(folder: Path, long: bool) -> None:
    chance = Random(SEED)
    messages, times = (30_000, 20) if long else (4_000, 3)
    print("FAULTS_SEED", SEED)
    async with Learning.open(folder, messages, chance) as learning:
        await learning.imports()
        assert len(await _killed(learning, times, chance)) >= max(2, times // 3)
        torn = await learning.known()
        await learning.graph.command("GRAPH.DELETE", learning.graph.name)
        await learning.imports()
        whole = await learning.known()
        assert len(whole[0]) > 500
        assert torn == whole
