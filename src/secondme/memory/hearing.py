"""What is known and this contact may hear, in time for a reply: a graph or an embedder that is slow is done without."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from uuid import UUID

from secondme.domain.errors import MindFailed, StoreUnavailable
from secondme.domain.fact import Fact
from secondme.observe.gate import Blame, Gate, Shut
from secondme.observe.logs import get_logger
from secondme.ports import Embedder
from secondme.stores.graph import Graph, QueryRefused
from secondme.stores.graph.client import TooSlow
from secondme.stores.graph.hearing import heard_by, merged_with

log = get_logger(__name__)
_EMBEDS_WITHIN = 1.0  # seconds
_ANSWERS_WITHIN = 0.8  # seconds
_LONGEST = 4_000  # characters of what was said, the newest
_REMEMBERED = 1_000  # vectors
_MOST = 40  # facts


class Hearing:
    """ports.Memory on the graph. Whatever it returns is reached by one query, from the contact itself."""

    def __init__(
        self,
        graph: Graph,
        embedder: Embedder,
        embeds_within: float = _EMBEDS_WITHIN,
        gate: Gate | None = None,
    ) -> None:
        """`embeds_within`: seconds after which names alone decide what is close."""
        self.gate = gate or Gate("memory")
        self._graph = graph
        self._embedder = embedder
        self._embeds_within = embeds_within
        self._vectors: OrderedDict[bytes, list[float]] = OrderedDict()  # by a digest: no text is kept
        self._embedding: set[asyncio.Task[None]] = set()
        self._late = set[UUID]()  # for whom the graph had no answer in time since it last had one

    async def heard_by(self, contact: UUID, asked: Sequence[str], before: Sequence[str]) -> Sequence[Fact]:
        """The facts, the closest first; none where the graph does not answer in time."""
        said = "\n".join((*before, *asked))[-_LONGEST:]
        try:
            with self.gate.asking(partial(self._blame, contact)):
                vector = await self._vector("\n".join(asked)[-_LONGEST:].strip())
                async with asyncio.timeout(_ANSWERS_WITHIN):
                    found = await heard_by(self._graph, str(contact), said, vector, _MOST)
        except Shut:
            return ()  # said when it began to fail
        except (StoreUnavailable, QueryRefused, TimeoutError) as error:
            log.warning("memory.unavailable", error=type(error).__name__)
            return ()
        self._late.clear()
        return found

    def _blame(self, contact: UUID, error: BaseException) -> Blame:
        """What came too late counts once a contact, for it may be their own many facts: decision 0021."""
        if not isinstance(error, TooSlow | TimeoutError):
            return _blame(error)
        again = contact in self._late
        self._late.add(contact)
        return Blame.NOBODY if again else Blame.SERVICE

    async def _vector(self, text: str) -> list[float] | None:
        """Of what was said, if it is to be had in time. What comes too late is there for the next try."""
        if not text:
            return None
        key = blake2b(text.encode(errors="replace"), digest_size=16).digest()
        if key in self._vectors:
            self._vectors.move_to_end(key)
            return self._vectors[key]
        # Not cancelled when its time is over: the embedder's breaker has to see how it ends.
        task = asyncio.create_task(self._embed(key, text))
        self._embedding.add(task)
        task.add_done_callback(self._embedding.discard)
        await asyncio.wait({task}, timeout=self._embeds_within)
        return self._vectors.get(key)

    async def _embed(self, key: bytes, text: str) -> None:
        try:
            [vector] = await self._embedder.embed([text])
        except MindFailed as error:
            log.warning("memory.no_vector", error=error.cause)
            return
        self._vectors[key] = vector
        if len(self._vectors) > _REMEMBERED:
            self._vectors.popitem(last=False)


class Merged:
    """Whom the owner merged a contact with: nobody where the graph does not answer in time. Less is then said."""

    def __init__(self, graph: Graph) -> None:
        self.gate = Gate("memory")
        self._graph = graph

    async def __call__(self, contact: UUID) -> Sequence[UUID]:
        try:
            with self.gate.asking(_blame):
                async with asyncio.timeout(_ANSWERS_WITHIN):
                    return [UUID(one) for one in await merged_with(self._graph, str(contact))]
        except (Shut, StoreUnavailable, QueryRefused, TimeoutError):
            return ()


def _blame(error: BaseException) -> Blame:
    if isinstance(error, StoreUnavailable | TimeoutError):
        return Blame.SERVICE
    return Blame.NOT_SERVICE if isinstance(error, QueryRefused) else Blame.NOBODY
