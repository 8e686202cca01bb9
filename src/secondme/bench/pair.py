"""A gateway and an orchestrator, each in a process of its own, on the peers' stores where there are any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from secondme.bench.lab import BenchFailed
from secondme.bench.load import Plan, loaded
from secondme.bench.peers import Peers
from secondme.bench.product import OWN, Product, started
from secondme.bench.stub import Stub
from secondme.stores.ledger import Ledger
from secondme.stores.vault import KeyRing

_WAITING = "SELECT count(*) FROM messages WHERE direction = 'incoming' AND outcome IS NULL"
_SETTINGS = {"SECONDME_PROFILE": "journal", "SECONDME_PACING": "none", "SECONDME_LOG_LEVEL": "WARNING"}
_PATIENCE = 90.0  # seconds for the last 200
_AT_ONCE = 1e6  # a second: as fast as it goes


@dataclass(frozen=True, slots=True)
class Pair:
    """Both running, and a look into their ledger."""

    ears: Product
    minds: Product
    ledger: Ledger
    folder: Path

    def cpu(self) -> float:
        """CPU seconds of the two processes so far, stores not counted."""
        return self.ears.own_cpu() + self.minds.own_cpu()

    def resident(self) -> int:
        """Bytes of both."""
        return self.ears.resident() + self.minds.resident()

    async def written(self, count: int, people: int, rate: float = _AT_ONCE) -> list[float]:
        """So many messages, each from the next of the people; returns when each was due, by Unix time.

        Raises BenchFailed where one was not taken.
        """
        plan = Plan(self.ears.gateway, 0.0, people, rate=rate, count=count, patience=_PATIENCE)
        posts, _ = await loaded(plan, self.folder)
        if refused := sum(post.status != 200 for post in posts):
            raise BenchFailed(f"The gateway did not take {refused} of {count} messages.")
        return [post.due for post in posts]

    async def answered(self, limit: float) -> None:
        """Wait for the last receipt. Raises BenchFailed after `limit` seconds."""
        deadline = monotonic() + limit
        async with self.ledger.light() as light:
            while left := await light.fetchval(_WAITING):
                if monotonic() > deadline:
                    raise BenchFailed(f"{left} messages had no receipt after {limit:.0f} s.")
                await asyncio.sleep(0.05)


@asynccontextmanager
async def pair(folder: Path, peers: Peers | None, stub: Stub | None = None) -> AsyncIterator[Pair]:
    """The journal: no debounce, no pacing. With a stub it is asked for replies, and takes what is sent.

    Without one the offline mind answers, and what is sent has arrived. Raises BenchFailed, TimeoutError.
    """
    settings = dict(_SETTINGS)
    if stub:
        settings |= {"SECONDME_MODELS": "compatible:bench", "COMPATIBLE_BASE_URL": f"{stub.url}/v1"}
        settings |= {"SIMULATOR_API_BASE_URL": stub.url}
    async with AsyncExitStack() as stack:
        given = await stack.enter_async_context(peers.ledger()) if peers else OWN
        data = folder / "data"
        ears = await stack.enter_async_context(started(["gateway"], data, settings, given=given))
        await ears.answers()
        minds = await stack.enter_async_context(
            started(["orchestrator"], data, settings, given=given, joins=True)
        )
        await minds.answers()
        ring = KeyRing.from_file(data / "secret.key")
        ledger = await Ledger.open(ears.database_url, ring, ears=1, rest=1, light=1)
        stack.push_async_callback(ledger.close)
        yield Pair(ears, minds, ledger, folder)
