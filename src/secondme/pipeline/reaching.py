"""Ahead of the fence: channels open what they need, and one that takes long keeps only its own waiting."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from secondme.ports import Channel
from secondme.stores.ledger.deliveries import Ready

_TOGETHER = 0.2  # seconds for which all wait for all: what takes longer is waited for apart
_KEPT = 2.0  # seconds for which what was waited for apart is open still: connections live five, and take three to open


class Reaching:
    """Of the second that a request has after its intent's commit nothing is to be lost to a cold connection."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        late: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`channels` by account id; `late` is called when one that was left waiting has been reached, or cannot be."""
        self._channels = channels
        self._late = late
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[None]] = {}  # by account
        # For how many of an account's a channel has been waited for apart, and when it was reached.
        self._waited: dict[str, tuple[int, float]] = {}

    @property
    def accounts(self) -> Collection[str]:
        """Whose channels are still opening what they need: nothing of theirs is to be handed in meanwhile."""
        return self._under_way.keys()

    async def __call__(self, group: Sequence[Ready]) -> list[Ready]:
        """Those whose channels are ready for them; the others come again once `late` was called."""
        counts = Counter(delivery.account_id for delivery in group)
        # Of who has been waited for apart no more than that, for whoever then waits for more might wait for ever.
        left = {account: self._take(account) for account in counts}
        await self._open({account: count for account, count in counts.items() if not left[account]}, left)
        if any(0 < left[account] < count for account, count in counts.items()):
            self._late()
        ready = []
        for delivery in group:
            left[delivery.account_id] -= 1
            if left[delivery.account_id] >= 0:
                ready.append(delivery)
        return ready

    def _take(self, account: str) -> int:
        """For how many it has just been waited for: what was opened for plans that were withdrawn has closed since."""
        count, reached = self._waited.pop(account, (0, 0.0))
        return count if self._clock() - reached < _KEPT else 0

    async def _open(self, wanted: Mapping[str, int], opened: dict[str, int]) -> None:
        """Note in `opened` what is ready within a moment; the rest goes on beside."""
        if not wanted:
            return
        tasks = {a: asyncio.create_task(self._channels[a].reach(count)) for a, count in wanted.items()}
        try:
            await asyncio.wait(tasks.values(), timeout=_TOGETHER)
        finally:
            for account, task in tasks.items():
                if task.done():
                    opened[account] = wanted[account]
                else:
                    self._under_way[account] = task
                    task.add_done_callback(partial(self._reached, account, wanted[account]))

    def stop(self) -> None:
        """Wait for nobody any more."""
        for task in self._under_way.values():
            task.cancel()

    def _reached(self, account: str, count: int, _: asyncio.Task[None]) -> None:
        del self._under_way[account]
        self._waited[account] = count, self._clock()
        self._late()
