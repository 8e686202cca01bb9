"""Memory systems as others use them, beside ours: one message written, its reading included, and one search."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from secondme.bench import told
from secondme.bench.bed import Bed, Ready, bed, ms, server
from secondme.bench.chats import people
from secondme.bench.lab import BenchFailed, Lab, program
from secondme.bench.peers import Peers, free, listening
from secondme.bench.rows import Row, Spread, skipped, under
from secondme.domain.fact import Learned, Source
from secondme.embedded.redis_server import GRAPH
from secondme.embedded.wheels import redis_program
from secondme.memory.extract import read
from secondme.memory.hearing import Hearing
from secondme.memory.live import take_in

MESSAGES, SEARCHES = 200, 100  # of each side; the searches of the others are written into them
_DIMENSION = 1536
_GRAPH_PORT = 6401  # written into the program
_LIMIT = 150.0  # seconds that one of them may take
_WHO = uuid5(NAMESPACE_URL, "writer")
_SAID = "I saw {one} and {other} with {third} near the station, {one} works at Siemens"
_TIMES = re.compile(r"p50 (?P<p50>[\d.]+) p99 (?P<p99>[\d.]+) ms")


class Times(NamedTuple):
    """ms: the p50 of writes, the p99 of searches."""

    write: float
    search: float


@dataclass(frozen=True, slots=True)
class System:
    """A program of the peers': its words, the module that it needs, and how its lines of figures begin."""

    name: str
    needs: str
    command: Sequence[str]
    write: str
    search: str
    on_graph: bool = False  # it wants a FalkorDB of its own


SYSTEMS = (
    System(
        "graphiti",
        "graphiti_core",
        ("memory/g_bench.py", str(MESSAGES)),
        "graphiti add_episode",
        "graphiti search x1:",
        on_graph=True,
    ),
    System(
        "mem0",
        "mem0",
        ("memory/m_bench.py", str(MESSAGES), "qdrant"),
        "mem0[qdrant] add",
        "mem0[qdrant] search",
    ),
)


async def measure(lab: Lab, which: Sequence[System] = SYSTEMS) -> list[Row]:
    """Each system, then ours. One that cannot be asked costs its own rows alone."""
    if lab.peers is None:
        why = "skipped: needs PEERS, the folder of programs to compare with"
        return [skipped("Memory: beside graphiti and mem0", why)]
    found = list[Row]()
    for system in which:
        lab.say(f"memory: {system.name} …")
        try:
            theirs = await _theirs(Peers(lab.peers), system, lab.folder)
        except (BenchFailed, TimeoutError) as error:
            why = f"skipped: {error or 'it took too long'}"
            found.append(skipped(f"Memory: beside {system.name}", why))
        else:
            found += _rows(
                system, await ours(lab.folder / f"beside-{system.name}", MESSAGES, SEARCHES), theirs
            )
    return found


async def _theirs(peers: Peers, system: System, folder: Path) -> Times:
    """Raises BenchFailed, TimeoutError."""
    if absent := [file for file in (peers.python, peers.folder / system.command[0]) if not file.exists()]:
        names = ", ".join(str(file.relative_to(peers.folder)) for file in absent)
        raise BenchFailed(f"the peers' folder has no {names}")
    try:
        await program([peers.python, "-c", f"import {system.needs}"], peers.folder, _LIMIT)
    except BenchFailed:
        raise BenchFailed(f"{system.needs} is not installed in the peers' v12") from None
    async with _graph(peers, folder) if system.on_graph else nullcontext():
        return times(system, await program([peers.python, *system.command], peers.folder, _LIMIT))


@asynccontextmanager
async def _graph(peers: Peers, folder: Path) -> AsyncIterator[None]:
    """An empty FalkorDB where the program expects one: our binary, written to the disk as ours is."""
    await free(_GRAPH_PORT)
    files = folder / "peers-graph"
    files.mkdir(exist_ok=True)
    command = [redis_program(), "--port", str(_GRAPH_PORT), "--dir", files, *GRAPH.options()]
    async with peers.running(command) as process:
        await listening(_GRAPH_PORT, process)
        yield


def times(system: System, printed: str) -> Times:
    """From the lines that it prints. Raises BenchFailed where one is not there."""
    found = dict[str, float]()
    for begins, share in ((system.write, "p50"), (system.search, "p99")):
        lines = (line for line in printed.splitlines() if line.startswith(begins))
        if not (figures := _TIMES.search(next(lines, ""))):
            raise BenchFailed(f"{system.name} printed no figures.")
        found[share] = float(figures[share])
    return Times(found["p50"], found["p99"])


async def ours(folder: Path, messages: int, searches: int) -> Times:
    """As much said to our memory: read by rules, taken in, its vectors made; then asked for."""
    vectors = told.vectors(64, _DIMENSION, 5)
    async with server(folder) as url, bed(url, "beside", _DIMENSION) as memory:
        embedder = Ready(vectors)
        writes = [await ms(_write(memory, embedder, n)) for n in range(messages)]
        hearing = Hearing(memory.graph, embedder)
        asks = [
            await ms(hearing.heard_by(_WHO, [f"who met {people(n)} at the station, {n}"], []))
            for n in range(searches)
        ]
    return Times(Spread.of(writes).p50, Spread.of(asks).p99)


async def _write(memory: Bed, embedder: Ready, n: int) -> None:
    said = _SAID.format(one=people(3 * n), other=people(3 * n + 1), third=people(3 * n + 2))
    at = datetime.fromtimestamp(1_767_225_600 + 60 * n, UTC)
    source = Source(f"beside {n}", str(_WHO), str(_WHO), at)
    await take_in(memory.graph, memory.digest, [Learned(source, read(said, at))])
    await memory.embed(embedder)


def _rows(system: System, own: Times, theirs: Times) -> list[Row]:
    beside = f"beside {system.name}"
    return [
        under(
            f"Memory: one message read, written and its vectors, p50, {beside}",
            own.write,
            "ms",
            (system.name, theirs.write),
            "a model and an embedder that take no time; ours reads by rules",
        ),
        under(f"Memory: one search, p99, {beside}", own.search, "ms", (system.name, theirs.search)),
    ]
