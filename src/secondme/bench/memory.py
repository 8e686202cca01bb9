"""What memory's ways cost beside one bare statement each, on one graph server, by turns; and beside memory systems."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from secondme.bench import chats, systems, told
from secondme.bench.bed import Bed, Both, Ready, bed, ms, server
from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.recalls import recalls
from secondme.bench.rows import Row, beside, under
from secondme.domain.fact import Learned
from secondme.memory.live import take_in
from secondme.stores.graph import Graph

_LEAST, _MOST, _FLAT = (
    0.5,
    2.5,
    1.25,
)  # of a bare UNWIND's rate; times a bare CREATE; times the smallest graph's
_WITH_VECTORS = 2  # batches: an index takes its time for each vector, whoever gives it
_COUNTS = {
    "nodes": "MATCH (n) RETURN count(n), sum(size(keys(n)))",
    "relationships": "MATCH ()-[r]->() RETURN count(r), sum(size(keys(r)))",
    "vectors": "MATCH (n) WHERE n.embedding IS NOT NULL RETURN count(n), sum(1)",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. `facts`: how many the graph has when live messages are written, least first, each at least
    `told.OF_EACH` more than the one before."""

    dimension: int = 1536
    batch: int = 1_000  # messages of an import's chunk, rows of a bare UNWIND
    batches: int = 5
    facts: tuple[int, ...] = (1_000, 10_000, 100_000)
    writes: int = 48
    reads: int = 150
    rounds: int = 3


SIZES = Sizes()


async def measure(lab: Lab) -> list[Row]:
    """All of it. Raises BenchFailed, TimeoutError."""
    found = await graph_rows(lab, SIZES)
    lab.say("memory: imports …")
    found += await chats.measure(lab)
    return found + await systems.measure(lab)


async def graph_rows(lab: Lab, sizes: Sizes) -> list[Row]:
    """What is beside bare statements. Raises BenchFailed where the two sides do not leave the same in the graph."""
    async with server(lab.folder / "memory") as url:
        found = [await _upserts(url, sizes, vectors=vectors) for vectors in (False, True)]
        async with bed(url, "memory", sizes.dimension) as memory:
            found += await writes(memory, sizes)
            found += await recalls(memory, dimension=sizes.dimension, reads=sizes.reads, rounds=sizes.rounds)
    return found


async def _upserts(url: str, sizes: Sizes, *, vectors: bool) -> Row:
    """What the import worker calls for a chunk, beside one UNWIND that creates as much; where `vectors`, until each
    node has its own."""
    contact, text, times = "somebody", told.bare_upsert(vectors=vectors), Both()
    rounds = _WITH_VECTORS if vectors else sizes.batches
    async with (
        bed(url, f"ours-{vectors}", sizes.dimension) as ours,
        bed(url, f"bare-{vectors}", sizes.dimension) as bare,
    ):
        for one in (ours, bare):
            await one.graph.run("CREATE (:Contact {id: $id})", id=contact)
        for number in range(rounds):
            batch = told.employments(contact, number * sizes.batch, sizes.batch)
            embedder = Ready(told.vectors(len(batch) * 3, sizes.dimension, number)) if vectors else None
            rows = told.bare_rows(bare.digest, batch, embedder.one if embedder else None)
            times.bare.append(await ms(bare.graph.run(text, contact=contact, rows=rows)))
            times.ours.append(await ms(_chunk(ours, batch, embedder)))
        wrote, same = await _counts(ours.graph), await _counts(bare.graph)
    if wrote != same:
        raise BenchFailed(f"The product wrote {wrote}, the bare statement {same}: they cannot be compared.")
    return _upsert_row(sizes.batch, times, wrote, vectors=vectors)


async def _chunk(ours: Bed, batch: Sequence[Learned], embedder: Ready | None) -> None:
    await take_in(ours.graph, ours.digest, batch)
    if embedder:
        await ours.embed(embedder)


async def _counts(graph: Graph) -> dict[str, tuple[int, int]]:
    """How many there are, and how many properties they have."""
    counts = {}
    for what, text in _COUNTS.items():
        [(count, properties)] = await graph.run(text)
        counts[what] = (int(count), int(properties))
    return counts


def _upsert_row(batch: int, times: Both, wrote: dict[str, tuple[int, int]], *, vectors: bool) -> Row:
    """Nodes and relationships a second."""
    elements = (wrote["nodes"][0] + wrote["relationships"][0]) / len(times.ours) * 1000
    ours, bare = times.medians()
    shown = ", ".join(f"{count:,} {what}" for what, (count, _) in wrote.items())
    return beside(
        f"Memory: import's upserts, chunks of {batch:,} messages{', until their vectors are there' * vectors}",
        elements / ours,
        "/s",
        (f"UNWIND of {batch:,}", elements / bare),
        _LEAST,
        f"nodes and relationships; {times.note()}; each left {shown}",
    )


async def writes(memory: Bed, sizes: Sizes) -> list[Row]:
    """What the graph worker calls for one message, beside one bare CREATE of a fact, while the graph grows."""
    found, filled, seen = list[Row](), 0, list[Both]()
    for size in sizes.facts:
        while filled < size:
            step = min(sizes.batch, size - filled)
            await take_in(memory.graph, memory.digest, told.talk(filled, step))
            filled += step
        p50, every, kinds = await _writes(memory, told.contact_of(filled - 1), sizes)
        ours, bare = p50.medians()
        name = f"Memory: a live message's write, {size:,} facts, p50"
        note = f"p50, {p50.note()}; at the least {min(every.ours):.1f}, bare {min(every.bare):.1f}"
        of_each = ", ".join(f"{kind} {median(took):.1f}" for kind, took in kinds.items())
        found.append(under(name, ours, "ms", ("one bare CREATE", bare), f"{note}; {of_each}", _MOST))
        seen.append(p50)
    (least, bare_least), (most, bare_most) = seen[0].medians(), seen[-1].medians()
    name = f"Memory: a live message's write, {sizes.facts[-1]:,} facts, p50, beside fewer"
    note = f"the bare CREATE {bare_most / bare_least:.2f} times as long"
    return [*found, under(name, most, "ms", (f"at {sizes.facts[0]:,} facts", least), note, _FLAT)]


async def _writes(memory: Bed, contact: str, sizes: Sizes) -> tuple[Both, Both, dict[str, list[float]]]:
    """The p50 of each round, every time, and of each kind of message what the product took."""
    # The bare facts are told by somebody else, so that they are in no chain of the product's; who hears them is one.
    said, bare = told.live(contact), told.live(f"not {contact}")
    p50, every, kinds = Both(), Both(), defaultdict[str, list[float]](list)
    for number in range(sizes.rounds):
        for (kind, one), (_, other) in islice(zip(said, bare, strict=True), sizes.writes):
            parameters = told.bare_fact(memory.digest, other, contact)
            every.bare.append(await ms(memory.graph.run(told.BARE_WRITE, **parameters)))
            every.ours.append(await ms(take_in(memory.graph, memory.digest, [one])))
            kinds[kind].append(every.ours[-1])
        first = number * sizes.writes
        p50.bare.append(median(every.bare[first:]))
        p50.ours.append(median(every.ours[first:]))
    return p50, every, kinds
