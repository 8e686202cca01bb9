"""Connections to one host: each carries one request and no other, and may be opened before there is one."""

import asyncio
import time
from typing import Any

import aiohttp
from yarl import URL

_FRESH = 5.0  # seconds that one may wait for its request: what is older may be dead without knowing it
_OPENED_WITHIN = aiohttp.ClientTimeout(connect=3.0)


class Connections(aiohttp.TCPConnector):
    """A connector whose connections are never used twice: a server that closes one while a request is on its way
    leaves nobody knowing whether it was taken.
    """

    def __init__(self) -> None:
        super().__init__(limit=0, force_close=True)
        self._ahead: list[tuple[float, aiohttp.connector.Connection]] = []  # the oldest first

    async def ahead(self, url: URL, count: int) -> bool:
        """Have `count` fresh connections to the host of `url`; whether they are there within three seconds.

        Never raises: whoever sends finds out what is wrong.
        """
        self._forget_stale()
        request = aiohttp.ClientRequest("POST", url, loop=asyncio.get_running_loop())
        opening = (self._open(request) for _ in range(count - len(self._ahead)))
        await asyncio.gather(*opening, return_exceptions=True)
        asyncio.get_running_loop().call_later(_FRESH, self._forget_stale)
        return len(self._ahead) >= count

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> aiohttp.connector.Connection:
        """One that was opened ahead, else a new one."""
        self._forget_stale()
        if self._ahead:
            return self._ahead.pop()[1]
        return await super().connect(req, traces, timeout)

    def forget(self) -> None:
        """Close what was opened ahead."""
        ahead, self._ahead = self._ahead, []
        for _, connection in ahead:
            connection.close()

    async def _open(self, request: aiohttp.ClientRequest) -> None:
        connection = await super().connect(request, [], _OPENED_WITHIN)
        self._ahead.append((time.monotonic(), connection))

    def _forget_stale(self) -> None:
        oldest = time.monotonic() - _FRESH
        ahead, self._ahead = self._ahead, []
        for opened, connection in ahead:
            if opened >= oldest and _usable(connection):
                self._ahead.append((opened, connection))
            else:
                connection.close()


def _usable(connection: aiohttp.connector.Connection) -> bool:
    """Whether it is open, and nothing has come that nobody asked for: it would be read as the answer."""
    return not connection.closed and connection.protocol is not None and not connection.protocol.should_close
