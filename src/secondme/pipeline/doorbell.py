"""A doorbell: wakes a loop when something may be due, and lets it sleep no longer than the sweep allows."""

import asyncio
from datetime import datetime

from secondme.ports import Signals

SWEEP = 1.0  # seconds: what a lost bell missed is found within this
_BREATH = 0.02  # seconds
_LISTEN = 5.0


class Doorbell:
    """Listens to one stream for one group. Run `run()` beside the loop that waits.

    What this process rings itself wakes the loop at once; the entry that comes back from Redis is then no news.
    """

    def __init__(self, signals: Signals, stream: str, group: str) -> None:
        self._signals = signals
        self._stream = stream
        self._group = group
        self._rung = asyncio.Event()
        self._heard: list[str] = []
        self._done: list[str] = []
        self._taken = asyncio.Event()
        self._known = 0  # bells of this process that have not come back yet, as far as one can tell

    async def run(self) -> None:
        """Hear bells for ever; Redis being away is no reason to stop."""
        while True:
            done, self._done = self._done, []
            entries = await self._signals.wait(self._stream, self._group, _LISTEN, done)
            if entries:
                self._heard += entries
                news, self._known = len(entries) > self._known, max(0, self._known - len(entries))
                if news:
                    self._taken.clear()
                    self._rung.set()
                    await self._taken.wait()  # a loop that is busy has no use for the next one yet

    def ring(self) -> None:
        """Wake the loop from within this process."""
        self._rung.set()

    def near(self) -> None:
        """Somebody in this process rings, here and in Redis."""
        self._known += 1
        self._rung.set()

    async def wait_until(self, moment: datetime | None, now: datetime) -> None:
        """Sleep until a bell, until `moment`, or until the next sweep, whichever comes first.

        A moment that has passed is slept on too: what is due and yet not to be had is held by somebody else.
        """
        seconds = SWEEP if moment is None else min(SWEEP, max(_BREATH, (moment - now).total_seconds()))
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            if seconds == SWEEP:
                self._known = 0  # what has not come back by now was lost
        finally:
            self._rung.clear()

    def take(self) -> list[str]:
        """The bells heard so far; whoever takes them acknowledges them once the work behind them is claimed."""
        heard, self._heard = self._heard, []
        self._taken.set()
        return heard

    def acknowledge(self, entries: list[str]) -> None:
        """Have them acknowledged before the next ones are heard."""
        self._done += entries
