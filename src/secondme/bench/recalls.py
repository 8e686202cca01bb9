"""What a reply asks of memory, beside one bare exact read of as many facts, and whether it finds the nearest."""

from statistics import fmean
from time import perf_counter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from secondme.bench import told
from secondme.bench.bed import Bed, Both, Ready
from secondme.bench.rows import Row, Spread, under
from secondme.bench.told import Vector
from secondme.memory.hearing import Hearing
from secondme.memory.live import take_in
from secondme.stores.graph import Graph, embedding
from secondme.stores.graph.values import header, rows

SHOWN = 12  # facts of a prompt
_MOST = 3.0  # times the bare read's p99
_WHO = uuid5(NAMESPACE_URL, "listener")
_ABOUT = f"Memory: recall for a contact with {told.OF_EACH} facts"


async def recalls(memory: Bed, *, dimension: int, reads: int, rounds: int) -> list[Row]:
    """In a graph that is full already: `reads` questions in each of `rounds`, by turns."""
    among = told.vectors(told.OF_EACH, dimension, 1)
    place = await _listener(memory, among)
    [(nodes,)] = await memory.graph.run("MATCH (n) RETURN count(n)")
    p50, p99, shares = Both(), Both(), Both()
    for number in range(rounds):
        asked = told.vectors(reads, dimension, 2 + number)
        times = await _round(memory.graph, asked, among, place, shares)
        ours, bare = Spread.of(times.ours), Spread.of(times.bare)
        p50.ours.append(ours.p50)
        p50.bare.append(bare.p50)
        p99.ours.append(ours.p99)
        p99.bare.append(bare.p99)
    return [_time(p50, p99, int(nodes)), _share(shares)]


async def _listener(memory: Bed, among: list[Vector]) -> dict[str, int]:
    """Somebody who may hear a fact for each vector: of each fact's id the vector's place."""
    await take_in(memory.graph, memory.digest, told.notes(str(_WHO), len(among)))
    heard = await memory.graph.run(
        "MATCH (:Contact {id: $id})-[:MAY_HEAR]->(f:Fact) RETURN f.id, f.source", id=str(_WHO)
    )
    place = {id: told.number(source) for id, source in heard}
    await embedding.embed(memory.graph, [(id, among[n]) for id, n in place.items()])
    return place


async def _round(
    graph: Graph, asked: list[Vector], among: list[Vector], place: dict[str, int], shares: Both
) -> Both:
    times, hearing = Both(), Hearing(graph, Ready(asked))
    for n, vector in enumerate(asked):
        begin = perf_counter()
        bare = await bare_read(graph, str(_WHO), vector)
        middle = perf_counter()
        ours = await hearing.heard_by(_WHO, [f"what was it again, {n}"], ["ok", told.named(str(_WHO), n)])
        times.ours.append((perf_counter() - middle) * 1000)
        times.bare.append((middle - begin) * 1000)
        nearest = told.nearest(vector, among, SHOWN)
        shares.ours.append(len(nearest & {place[fact.id] for fact in ours}) / len(nearest))
        shares.bare.append(len(nearest & {place[id] for id, *_ in bare}) / len(nearest))
    return times


def _time(p50: Both, p99: Both, nodes: int) -> Row:
    (ours, bare), (ours_p50, bare_p50) = p99.medians(), p50.medians()
    note = f"{nodes:,} nodes; p99, {p99.note()}; p50 {ours_p50:.1f}, bare {bare_p50:.1f}"
    name = f"{_ABOUT}, p99, the embedder's time not counted"
    return under(name, ours, "ms", ("one bare exact read", bare), note, _MOST)


def _share(shares: Both) -> Row:
    found = fmean(shares.ours)
    return Row(
        f"{_ABOUT}, of the {SHOWN} nearest found",
        found,
        wanted="1",
        met=found >= 1,
        note=f"{len(shares.ours)} questions; the bare read {fmean(shares.bare):.3f}",
    )


async def bare_read(graph: Graph, contact: str, vector: Vector) -> list[list[Any]]:
    """The nearest facts by the statement that somebody would write by hand, through the product's client."""
    text = header({"contact": contact, "vector": vector, "limit": SHOWN}) + told.BARE_READ
    return rows(await graph.command("GRAPH.RO_QUERY", graph.name, text, "--compact"))
