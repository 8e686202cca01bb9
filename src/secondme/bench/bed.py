"""Where memory is measured: graphs on a server of the product's own kind, and times of two sides that take turns."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from secondme.bench.told import Vector
from secondme.embedded import EmbeddedStores
from secondme.memory.embedding import Embedding
from secondme.stores.graph import Graph, schema
from secondme.stores.graph.shaping import Digest
from secondme.stores.vault import KeyRing, Vault, new_key


@dataclass(frozen=True, slots=True)
class Bed:
    """A graph with the newest schema, and how names become ids."""

    graph: Graph
    digest: Digest

    async def embed(self, embedder: "Ready") -> None:
        """Give everything that waits its vector, as the graph worker does."""
        behind = Embedding(self.graph, embedder)
        while await behind.embed_once():
            pass


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """The product's own graph server, its files in `folder`, until the block ends; yields its URL."""
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


class Ready:
    """An embedder whose vectors are there before anybody asks: each text gets the next one, in a ring."""

    name = "ready"

    def __init__(self, vectors: Sequence[Vector]) -> None:
        self.dimension = len(vectors[0])
        self._vectors = vectors
        self._next = 0

    def one(self) -> Vector:
        """The next."""
        self._next += 1
        return self._vectors[(self._next - 1) % len(self._vectors)]

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See ports.Embedder."""
        return [self.one() for _ in texts]

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Both:
    """What a bare statement took and what the product took, in ms, round by round."""

    bare: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)

    def note(self) -> str:
        """All rounds of both."""
        return f"ms of rounds {_told(self.ours)}; bare {_told(self.bare)}"

    def medians(self) -> tuple[float, float]:
        """Of the product's rounds, and of the bare ones."""
        return median(self.ours), median(self.bare)


async def ms(asked: Awaitable[Any]) -> float:
    """How long it took."""
    begin = perf_counter()
    await asked
    return (perf_counter() - begin) * 1000


def _told(rounds: Sequence[float]) -> str:
    return ", ".join(f"{one:,.1f}" for one in rounds)
