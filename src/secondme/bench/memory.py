"""What memory's ways cost beside one bare statement each, on one graph server, by turns; and beside memory systems."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from secondme.bench import told
from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.rows import Row, Spread, beside, under
from secondme.bench.told import Vector
from secondme.embedded import EmbeddedStores
from secondme.pipeline.embedding import Embedding
from secondme.pipeline.hearing import Hearing
from secondme.pipeline.learning import take_in
from secondme.stores.graph import Graph, embedding, schema
from secondme.stores.graph.shaping import Digest
from secondme.stores.graph.values import header, rows
from secondme.stores.vault import KeyRing, Vault, new_key

_SHOWN = 12  # facts of a prompt
_HALF, _WRITE, _READ, _FLAT = 0.5, 2.5, 3.0, 1.25  # what is wanted
_LISTENER = uuid5(NAMESPACE_URL, "listener")
_COUNTS = {
    "nodes": "MATCH (n) RETURN count(n), sum(size(keys(n)))",
    "relationships": "MATCH ()-[r]->() RETURN count(r), sum(size(keys(r)))",
    "vectors": "MATCH (n) WHERE n.embedding IS NOT NULL RETURN count(n), sum(1)",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. `facts`: how many the graph has when a live message is written, least first."""

    dimension: int = 1536
    batch: int = 1_000  # messages of an import's chunk, rows of a bare UNWIND
    batches: int = 5
    facts: tuple[int, ...] = (1_000, 10_000, 100_000)
    writes: int = 48
    rounds: int = 3
    reads: int = 150


@dataclass(frozen=True, slots=True)
class Bed:
    """A graph with the newest schema, on a server that others do not use, and how names become ids."""

    graph: Graph
    digest: Digest


@dataclass(frozen=True, slots=True)
class Both:
    """What a bare statement took and what the product took, in ms, of each round."""

    bare: list[float]
    ours: list[float]

    @property
    def ratio(self) -> float:
        return median(self.ours) / median(self.bare)

    def note(self) -> str:
        return f"ms of rounds {_told(self.ours)}; bare {_told(self.bare)}"


async def measure(lab: Lab, *, sizes: Sizes = Sizes()) -> list[Row]:
    """Writes, reads and imports. Raises BenchFailed, TimeoutError."""
    folder = lab.folder / "memory"
    async with server(folder) as url:
        found = await upserts(url, sizes)
        async with bed(url, "memory", sizes.dimension) as memory:
            found += await writes(memory, sizes)
            found += await recalls(memory, sizes)
    return found


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """The product's own graph server, its files in `folder`, until the block ends."""
    stores = await EmbeddedStores.attach(folder, need=["falkordb"])
    try:
        yield stores.addresses.falkordb_url or ""
    finally:
        await stores.detach()


@asynccontextmanager
async def bed(url: str, name: str, dimension: int) -> AsyncIterator[Bed]:
    """An empty graph of that name, as the product prepares one."""
    graph = Graph(url, name)
    try:
        await schema.migrate(graph, dimension)
        await graph.query("fold")
        yield Bed(graph, Vault(KeyRing([new_key()]), new_key(), new_key()).digest)
    finally:
        await graph.close()


async def upserts(url: str, sizes: Sizes) -> list[Row]:
    """What the import worker calls for a chunk, and then its vectors; each beside one UNWIND that creates as much."""
    plain_name = f"Memory: import's upserts, chunks of {sizes.batch:,} messages"
    found = []
    for name, vectors, rounds in (
        (plain_name, False, sizes.batches),
        (f"{plain_name}, and their vectors", True, 2),
    ):
        async with (
            bed(url, f"ours-{vectors}", sizes.dimension) as ours,
            bed(url, f"bare-{vectors}", sizes.dimension) as bare,
        ):
            for one in (ours, bare):
                await one.graph.run("MERGE (:Contact {id: $id})", id=str(_LISTENER))
            found.append(await _upserts(name, ours, bare, rounds, sizes, vectors=vectors))
    return found


async def _upserts(name: str, ours: Bed, bare: Bed, rounds: int, sizes: Sizes, *, vectors: bool) -> Row:
    contact, text = str(_LISTENER), told.bare_upsert(vectors=vectors)
    times = Both([], [])
    for number in range(rounds):
        batch = told.employments(contact, number * sizes.batch, sizes.batch)
        rows = told.bare_rows(bare.digest, batch)
        made = iter(told.vectors(len(batch) * 3 if vectors else 0, sizes.dimension, number))
        embedder = _Ready(list(made))
        if vectors:
            for row in rows:
                for it in ("person", "company", "fact"):
                    row[it]["vector"] = embedder.one()
        times.bare.append(await _ms(bare.graph.run(text, contact=contact, rows=rows)))
        times.ours.append(await _ms(_chunk(ours, batch, embedder if vectors else None)))
    wrote, same = await _counts(ours.graph), await _counts(bare.graph)
    if wrote != same:
        raise BenchFailed(f"The product wrote {wrote}, the bare statement {same}: they cannot be compared.")
    elements = sum(wrote[what][0] for what in ("nodes", "relationships")) / rounds
    shown = ", ".join(f"{count:,} {what}" for what, (count, _) in wrote.items())
    return beside(
        name,
        elements / median(times.ours) * 1000,
        "/s",
        (f"UNWIND of {sizes.batch:,}", elements / median(times.bare) * 1000),
        _HALF,
        f"nodes and relationships; {times.note()}; each has {shown} at the end",
    )


async def _chunk(bed: Bed, batch: Sequence[Any], embedder: "_Ready | None") -> None:
    await take_in(bed.graph, bed.digest, batch)
    if embedder:
        behind = Embedding(bed.graph, embedder)
        while await behind.embed_once():
            pass


async def _counts(graph: Graph) -> dict[str, tuple[int, int]]:
    """How many there are, and how many properties they have."""
    counts = {}
    for what, text in _COUNTS.items():
        [(count, properties)] = await graph.run(text)
        counts[what] = (int(count), int(properties))
    return counts


async def writes(memory: Bed, sizes: Sizes) -> list[Row]:
    """What the graph worker calls for one message, beside one bare CREATE of a fact, while the graph grows."""
    found, filled, medians = [], 0, []
    for size in sizes.facts:
        while filled < size:
            step = min(sizes.batch, size - filled)
            await take_in(memory.graph, memory.digest, told.talk(filled, step))
            filled += step
        times, kinds = await _writes(memory, f"contact {(filled - 1) // told.OF_EACH}", sizes)
        medians.append(times)
        told_of = ", ".join(f"{kind} {median(ms):.1f}" for kind, ms in kinds.items())
        name = f"Memory: a live message's write, {size:,} facts"
        note = f"p50s, {times.note()}; {told_of}"
        found.append(
            under(name, median(times.ours), "ms", ("one bare CREATE", median(times.bare)), note, _WRITE)
        )
    least, most = medians[0], medians[-1]
    return [
        *found,
        under(
            f"Memory: a live message's write, {sizes.facts[-1]:,} facts",
            median(most.ours),
            "ms",
            (f"at {sizes.facts[0]:,} facts", median(least.ours)),
            f"bare {median(most.bare) / median(least.bare):.2f} times as long",
            _FLAT,
        ),
    ]


async def _writes(memory: Bed, contact: str, sizes: Sizes) -> tuple[Both, dict[str, list[float]]]:
    """Medians of each round, and of each kind of message what the product took."""
    said, times, kinds = told.live(contact), Both([], []), defaultdict[str, list[float]](list)
    # The fact of the bare side is the contact's too: as many hang on the node for both.
    bare = (one for _, one in told.live(f"bare {contact}"))
    for _ in range(sizes.rounds):
        both = Both([], [])
        for _ in range(sizes.writes):
            parameters = told.bare_fact(memory.digest, next(bare)) | {"contact": contact}
            both.bare.append(await _ms(memory.graph.run(told.BARE_WRITE, **parameters)))
            kind, one = next(said)
            both.ours.append(await _ms(take_in(memory.graph, memory.digest, [one])))
            kinds[kind].append(both.ours[-1])
        times.bare.append(median(both.bare))
        times.ours.append(median(both.ours))
    return times, kinds


async def recalls(memory: Bed, sizes: Sizes) -> list[Row]:
    """What a reply asks of memory, beside one bare exact read of as many facts, and whether it finds the nearest."""
    contact, dimension = str(_LISTENER), sizes.dimension
    await take_in(memory.graph, memory.digest, told.notes(contact, told.OF_EACH))
    among = told.vectors(told.OF_EACH, dimension, 1)
    heard = await memory.graph.run(
        "MATCH (:Contact {id: $id})-[:MAY_HEAR]->(f) RETURN f.id, f.source", id=contact
    )
    place = {id: int(source.rsplit(" ", 1)[1]) for id, source in heard}
    await embedding.embed(memory.graph, [(id, among[n]) for id, n in place.items()])
    [(nodes,)] = await memory.graph.run("MATCH (n) RETURN count(n)")

    asked = told.vectors(sizes.reads * sizes.rounds, dimension, 2)
    embedder = _Ready(asked)
    hearing = Hearing(memory.graph, embedder)
    p50, p99, found = Both([], []), Both([], []), Both([], [])
    for number in range(sizes.rounds):
        times = Both([], [])
        for n in range(number * sizes.reads, (number + 1) * sizes.reads):
            begin = perf_counter()
            bare = await bare_read(memory.graph, contact, asked[n])
            middle = perf_counter()
            ours = await hearing.heard_by(
                _LISTENER, [f"what was it again, {n}"], ["ok", f"Asha {contact} {n % 9}"]
            )
            times.bare.append((middle - begin) * 1000)
            times.ours.append((perf_counter() - middle) * 1000)
            truly = told.nearest(asked[n], among, _SHOWN)
            found.bare.append(len(truly & {place[id] for id, *_ in bare}) / len(truly))
            found.ours.append(len(truly & {place[fact.id] for fact in ours}) / len(truly))
            await asyncio.sleep(0)
        for spreads, share in ((p50, "p50"), (p99, "p99")):
            spreads.bare.append(getattr(Spread.of(times.bare), share))
            spreads.ours.append(getattr(Spread.of(times.ours), share))
    return _recall_rows(p50, p99, found, int(nodes))


def _recall_rows(p50: Both, p99: Both, found: Both, nodes: int) -> list[Row]:
    about = f"a contact with {told.OF_EACH} facts"
    recall = sum(found.ours) / len(found.ours)
    bare = sum(found.bare) / len(found.bare)
    return [
        under(
            f"Memory: recall for {about}, p99, the embedder's time not counted",
            median(p99.ours),
            "ms",
            ("one bare exact read", median(p99.bare)),
            f"{nodes:,} nodes; p99 of rounds in {p99.note()}; p50 {median(p50.ours):.1f}, bare {median(p50.bare):.1f}",
            _READ,
        ),
        Row(
            f"Memory: recall for {about}, of the {_SHOWN} nearest found",
            recall,
            wanted="1",
            met=recall >= 1,
            note=f"{len(found.ours)} questions; the bare read {bare:.3f}",
        ),
    ]


async def bare_read(graph: Graph, contact: str, vector: Vector) -> list[list[Any]]:
    """The nearest facts, by the statement that somebody would write by hand, through the product's client."""
    text = header({"contact": contact, "vector": vector, "limit": _SHOWN}) + told.BARE_READ
    return rows(await graph.command("GRAPH.RO_QUERY", graph.name, text, "--compact"))


class _Ready:
    """An embedder whose vectors are there before anybody asks: each text gets the next one."""

    name = "ready"

    def __init__(self, vectors: Sequence[Vector]) -> None:
        self.dimension = len(vectors[0]) if vectors else 0
        self._vectors = vectors
        self._next = 0

    def one(self) -> Vector:
        self._next = (self._next + 1) % len(self._vectors)
        return self._vectors[self._next - 1]

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        return [self.one() for _ in texts]

    async def close(self) -> None:
        """Nothing is open."""


async def _ms(asked: Awaitable[Any]) -> float:
    begin = perf_counter()
    await asked
    return (perf_counter() - begin) * 1000


def _told(rounds: Sequence[float]) -> str:
    return ", ".join(f"{one:,.1f}" for one in rounds)
