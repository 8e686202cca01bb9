"""Live news for open pages: one subscription a process, passed on to every page that listens.

Events carry ids and states, never a word; a page that hears one reads the ledger again.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from secondme.domain.errors import SecondMeError
from secondme.observe.logs import get_logger
from secondme.stores.signals import RedisSignals

log = get_logger("dashboard")
_PAGES = 64
_BACKLOG = 200  # events that a slow page may be behind before it is told to read everything again
_KEEP_ALIVE = 15.0  # seconds
_RESYNC = {"event": "resync"}

type _Queue = asyncio.Queue[dict[str, Any] | None]


class TooManyPages(SecondMeError):
    """Nobody opens so many pages by hand."""


class News:
    """Fans events out. The subscription lives as long as somebody listens."""

    def __init__(self, signals: RedisSignals) -> None:
        self._signals = signals
        self._queues: set[_Queue] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def listen(self) -> AsyncIterator[bytes]:
        """A stream of server-sent events for one page. Raises TooManyPages."""
        if len(self._queues) >= _PAGES:
            raise TooManyPages("Too many pages listen already: close some.")
        queue: _Queue = asyncio.Queue(_BACKLOG)
        return self._stream(queue)

    async def _stream(self, queue: _Queue) -> AsyncIterator[bytes]:
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._pump(), name="dashboard.news")
        try:
            # A page begins, or begins again, with a full look at the ledger.
            yield b"retry: 1000\n" + _said(_RESYNC)
            while not self._closed:
                try:
                    async with asyncio.timeout(_KEEP_ALIVE):
                        event = await queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield _said(event)
        finally:
            self._queues.discard(queue)
            if not self._queues and self._task:
                self._task.cancel()
                self._task = None

    async def _pump(self) -> None:
        async with aclosing(self._signals.subscribe()) as events:  # type: ignore[type-var]
            async for event in events:
                for queue in list(self._queues):
                    _put(queue, event)

    async def drain(self, timeout: float) -> list[str]:  # noqa: ASYNC109
        """End every stream, so that the server can stop; nothing is left unfinished by that."""
        self._closed = True
        self.hang_up()
        return []

    def hang_up(self) -> None:
        """End the streams that there are; a page that may listen begins again."""
        for queue in list(self._queues):
            _put(queue, None)


def _put(queue: _Queue, event: dict[str, Any] | None) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_RESYNC)
    queue.put_nowait(event)


def _said(event: dict[str, Any]) -> bytes:
    heard = {"event": event.get("event"), "contactId": event.get("contactId")}
    return b"data: " + json.dumps(heard, separators=(",", ":")).encode() + b"\n\n"
