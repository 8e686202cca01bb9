"""Live messages become memory: each is read once, in order of arrival, and taken back when it is edited or deleted.

Nobody waits for this: while the graph is down, messages wait in the ledger and answers go on without what they say.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from secondme.domain.errors import StoreUnavailable
from secondme.domain.fact import OWNER, Gist, Learned, Source
from secondme.memory.gists import Reads, Said
from secondme.memory.mirroring import Mirror
from secondme.observe import metrics
from secondme.observe.logs import get_logger, log_each
from secondme.pipeline.doorbell import Doorbell
from secondme.ports import Clock
from secondme.stores.graph import Graph
from secondme.stores.graph import learning as graph_learning
from secondme.stores.graph.client import QueryRefused, TooSlow
from secondme.stores.graph.shaping import Digest
from secondme.stores.ledger import Ledger, Lock, learning
from secondme.stores.ledger.learning import Heard

log = get_logger(__name__)
_BATCH = 200  # messages
_BREATH = 0.2  # seconds between two looks: what comes within them is learned together
_REST = 5.0  # seconds, while a store is down
_FREE = 15.0  # seconds in which a graph that was given too much is done with it


class Learner:
    """The graph worker's ears. Any number of them may run: one of them learns at a time."""

    def __init__(
        self,
        ledger: Ledger,
        graph: Graph,
        mirror: Mirror,
        read: Reads,
        bell: Doorbell,
        clock: Clock,
        zone: ZoneInfo,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        """`zone` is the owner's, in which `tomorrow` is reckoned. `heard` is called whenever a bell was heard."""
        self._heard = heard
        self._ledger = ledger
        self._graph = graph
        self._mirror = mirror
        self._read = read
        self._bell = bell
        self._clock = clock
        self._zone = zone

    async def run(self) -> None:
        """Learn for ever; a store that does not answer is asked again."""
        while True:
            if bells := self._bell.take():
                self._bell.acknowledge(bells)
                self._heard()
            try:
                if await self.learn_once() < _BATCH:
                    await asyncio.sleep(_BREATH)
                    await self._bell.wait_until(None, self._clock.now())
            except StoreUnavailable as error:
                log.warning("learning.store_unavailable", error=str(error))
                await asyncio.sleep(_REST)

    async def learn_once(self) -> int:
        """Learn from what waits, a batch of it. Returns how many rows of the ledger were looked at.

        Raises StoreUnavailable; what was begun is then begun again.
        """
        async with self._ledger.alone(Lock.LEARNING, wait=False) as mine:
            if mine is None:
                return 0
            heard, strays = await learning.unheard(mine, self._ledger.vault, _BATCH)
            if heard:
                await self._mirror.migrate()  # also: before a mind is paid for what cannot be written down
                gists = await self._gists(heard)
                await self._take_in(heard, gists)
            if strays:
                await learning.learned(mine, strays, self._clock.now())
        return len(strays) + sum(len(one.rows) for one in heard)

    async def _gists(self, heard: Sequence[Heard]) -> dict[UUID, Gist]:
        """What they say, of those that say something."""
        spoken = [one for one in heard if one.text]
        said = [
            Said(str(one.id), one.text, one.at.astimezone(self._zone), one.from_owner, one.contact_id)
            for one in spoken
        ]
        gists = await self._read(said) if said else []
        found = {one.id: gist for one, gist in zip(spoken, gists, strict=True) if gist != Gist()}
        metrics.learned.labels("nothing_said").inc(len(spoken) - len(found))
        metrics.learned.labels("passed_over").inc(len(heard) - len(spoken))
        return found

    async def _take_in(self, heard: Sequence[Heard], gists: dict[UUID, Gist]) -> None:
        """Write it down, of those who are still known: whoever forgets somebody has the same lock."""
        async with self._ledger.alone(Lock.KNOWING) as connection:
            assert connection is not None
            there = await learning.standing(connection, [one.id for one in heard])
            still = [one for one in heard if one.id in there]
            await self._take_back([one.id for one in still if one.amended])
            batch = [_learned(one, gists[one.id]) for one in still if one.id in gists]
            await take_in(self._graph, self._ledger.vault.digest, batch)
            await learning.learned(connection, [row for one in still for row in one.rows], self._clock.now())
        rows = [{"trace": one.source.id, "statements": len(one.gist.statements)} for one in batch]
        log_each("memory.live", "memory.learned", rows)

    async def _take_back(self, ids: Sequence[UUID]) -> None:
        if not ids:
            return
        sources, facts, _ = await graph_learning.unlearn(self._graph, [str(id_) for id_ in ids])
        metrics.learned.labels("taken_back").inc(sources)
        log.info("memory.taken_back", message_ids=ids, sources=sources, facts=facts)


async def take_in(graph: Graph, digest: Digest, batch: Sequence[Learned]) -> int:
    """All together; where the graph refuses that for one of them, each alone and that one not at all, and where that
    takes it too long, but it answers, half at a time.

    Returns how many sources were new. Raises StoreUnavailable.
    """
    if not batch:
        return 0
    try:
        new = await graph_learning.learn(graph, digest, batch)
    except QueryRefused:
        if len(batch) == 1:
            metrics.learned.labels("refused").inc()
            log.error("memory.refused", source_id=batch[0].source.id)
            return 0
        return sum([await take_in(graph, digest, [one]) for one in batch])
    except TooSlow:
        if len(batch) == 1:
            raise
        await graph.ping(_FREE)
        half = len(batch) // 2
        return sum([await take_in(graph, digest, some) for some in (batch[:half], batch[half:])])
    metrics.learned.labels("learned").inc(len(batch))
    return new


def _learned(one: Heard, gist: Gist) -> Learned:
    contact = str(one.contact_id)
    return Learned(Source(str(one.id), OWNER if one.from_owner else contact, contact, _utc(one.at)), gist)


def _utc(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo("UTC"))
