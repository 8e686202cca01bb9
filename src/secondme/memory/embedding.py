"""Vectors for what was learned, made behind it: learning waits for no embedder, and prompts find by names meanwhile."""

import asyncio

from secondme.domain.errors import MindFailed, StoreUnavailable
from secondme.observe.logs import get_logger
from secondme.ports import Embedder
from secondme.stores.graph import Graph, embedding

log = get_logger(__name__)
_BATCH = 256
_LOOKS_EVERY = 2.0  # seconds, while nothing waits
_REST = 30.0  # seconds, where whoever failed does not say how long


class Embedding:
    """Fills in what waits for its vector. Several at once do some of it twice, which changes nothing."""

    def __init__(self, graph: Graph, embedder: Embedder) -> None:
        self._graph = graph
        self._embedder = embedder

    async def run(self) -> None:
        """For ever; an embedder or a graph that fails is left alone for a while."""
        while True:
            try:
                if not await self.embed_once():
                    await asyncio.sleep(_LOOKS_EVERY)
            except MindFailed as error:
                log.warning("embedding.failed", cause=error.cause)
                await asyncio.sleep(max(error.again_in, _REST))
            except StoreUnavailable as error:
                log.warning("embedding.store_unavailable", error=str(error))
                await asyncio.sleep(_REST)

    async def embed_once(self) -> int:
        """A batch of what waits. Returns how many that were. Raises MindFailed, StoreUnavailable."""
        waiting = await embedding.unembedded(self._graph, _BATCH)
        if waiting:
            vectors = await self._embedder.embed([text for _, text in waiting])
            await embedding.embed(self._graph, list(zip([id for id, _ in waiting], vectors, strict=True)))
        return len(waiting)
