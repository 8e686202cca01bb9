"""An account's way out over HTTP. A POST is sent once: it knows whether a byte has left, and is aborted when late."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import aiohttp
from yarl import URL

from secondme.channels.connections import Connections
from secondme.domain.breaker import State
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain
from secondme.failpoints import armed, failpoint
from secondme.observe.gate import Blame, Gate, Shut

# What an answer that is no success means to a channel that can read it: (status, its JSON object if it is one,
# Retry-After). None leaves it to the status.
Meaning = Callable[[int, Mapping[str, Any] | None, str | None], Exception | None]

_MOST_READ = 1_000_000  # bytes of an answer
_FAIR = 0.5  # seconds: what could not begin in less says nothing of the service
_SOON = 3.0  # seconds after which a probe has usually been answered


class _Body(aiohttp.payload.BytesPayload):
    """A body that notes when its bytes go out; a fault test may have the process die half-way."""

    def __init__(self, data: bytes, progress: "_Progress") -> None:
        super().__init__(data, content_type="application/json")
        self._bytes = data
        self._progress = progress

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        self._progress.begin(writer.transport)
        if armed("outbox.sending"):
            await writer.write(self._bytes[: len(self._bytes) // 2])
            await writer.drain()
            await asyncio.sleep(0.05)
            failpoint("outbox.sending")
            await writer.write(self._bytes[len(self._bytes) // 2 :])
        else:
            await writer.write(self._bytes)
        await writer.drain()
        self._progress.end()


class _Progress:
    """How far one request got."""

    def __init__(self, write_before: float) -> None:
        self.write_before = write_before
        self._transport: asyncio.WriteTransport | None = None
        self._late = write_before - time.monotonic() < _FAIR
        self.written = asyncio.Event()
        self.status: int | None = None  # of the answer

    @property
    def began(self) -> bool:
        return self._transport is not None

    def begin(self, transport: asyncio.WriteTransport) -> None:
        """The last moment before the first byte: too late means that none goes."""
        if time.monotonic() >= self.write_before:
            self._late = True
            raise NotSent("The moment to send had passed before the first byte.")
        transport.set_write_buffer_limits(
            high=0
        )  # drained means handed to the kernel, not to a buffer of ours
        self._transport = transport

    def end(self) -> None:
        self.written.set()

    def abort(self) -> None:
        """Call back what is not written: closing a connection would still send what its buffer holds."""
        if self._transport is not None and not self.written.is_set():
            self._transport.abort()

    def blame(self, error: BaseException) -> Blame:
        """A service that refuses is well; one that cannot be reached, fails, or answers with nonsense is not."""
        if isinstance(error, asyncio.CancelledError) or (self._late and not self.began):
            return Blame.NOBODY
        refused = self.status is not None and 400 <= self.status < 500
        # An account that may not speak is the account's affair, with whatever status that is said.
        return Blame.NOT_SERVICE if refused or isinstance(error, ChannelDown) else Blame.SERVICE


class Wire:
    """The way to one API. Every request goes out on a connection of its own."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        meaning: Meaning | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Paths are added to `base`, `headers` and `query` sent with all of them. Without a `gate` it is asked however
        often it fails."""
        self._base = base
        self._headers = headers
        self._query = query
        self._meaning = meaning
        self._gate = gate
        self._session: aiohttp.ClientSession | None = None
        self._connections: Connections | None = None
        self._reachable = True

    async def reach(self, count: int) -> None:
        """Open connections for so many posts that are about to come, within three seconds. Never raises.

        Whoever has little time to write does this before it begins to run: a cold connection can take all of it. What
        was out of reach is not waited for again before it has answered: a send itself finds out whether it does.
        """
        if self._reachable and (self._gate is None or self._gate.state() is not State.OPEN):
            self._reachable = await self._opened()[1].ahead(URL(self._base), count)

    async def post(
        self, path: str, body: Mapping[str, Any], write_before: float, answer_timeout: float
    ) -> dict[str, Any]:
        """POST `body` as JSON and return the answer's JSON object.

        `write_before` is a time.monotonic() moment. Raises NotSent (no byte left), Rejected (a 4xx answer),
        SendUncertain (bytes may have left: no answer, a 5xx, or one that is not JSON), what `meaning` says, or
        ChannelDown while the API is left alone for its failures.
        """
        progress = _Progress(write_before)
        if self._gate is None:
            return await self._post(path, body, progress, answer_timeout)
        try:
            with self._gate.asking(progress.blame):
                return await self._post(path, body, progress, answer_timeout)
        except Shut as shut:
            wait = shut.seconds if self._gate.state() is State.OPEN else _SOON
            raise ChannelDown(str(shut), timedelta(seconds=wait)) from None

    def get(self, path: str, timeout: float) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """GET; what it raises is aiohttp's. For looks: it is no send, and no breaker minds it."""
        limit = aiohttp.ClientTimeout(total=timeout)
        return self._opened()[0].get(
            URL(f"{self._base}{path}"),
            params=self._query,
            headers=self._headers,
            timeout=limit,
            allow_redirects=False,
        )

    async def close(self) -> None:
        if self._connections is not None and self._session is not None:
            self._connections.forget()
            await self._session.close()

    def _opened(self) -> tuple[aiohttp.ClientSession, Connections]:
        if self._session is None or self._connections is None:
            self._connections = Connections()
            self._session = aiohttp.ClientSession(connector=self._connections)
        return self._session, self._connections

    async def _post(
        self, path: str, body: Mapping[str, Any], progress: _Progress, answer_timeout: float
    ) -> dict[str, Any]:
        request = asyncio.create_task(self._exchange(path, json.dumps(body).encode(), progress))
        try:
            await _written_in_time(request, progress)
            async with asyncio.timeout(answer_timeout):
                return await request
        except (NotSent, Rejected, SendUncertain):
            raise
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            kind = SendUncertain if progress.began else NotSent
            raise kind(f"The request did not end well ({type(error).__name__}).") from error
        finally:
            progress.abort()
            request.cancel()

    async def _exchange(self, path: str, data: bytes, progress: _Progress) -> dict[str, Any]:
        async with self._opened()[0].post(
            URL(f"{self._base}{path}"),
            data=_Body(data, progress),
            params=self._query,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None),
            allow_redirects=False,
        ) as answer:
            progress.status, self._reachable = answer.status, True
            text = await _bounded(answer)
            if self._meaning is not None and answer.status >= 300:
                said = self._meaning(answer.status, _parsed(text), answer.headers.get("Retry-After"))
                if said is not None:
                    raise said
            return _taken(answer.status, text)


async def _written_in_time(request: "asyncio.Task[Any]", progress: _Progress) -> None:
    """Wait for the last byte, at most until its moment has passed."""
    written = asyncio.create_task(progress.written.wait())
    try:
        await asyncio.wait(
            {request, written},
            timeout=max(0.0, progress.write_before - time.monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        written.cancel()
    if not request.done() and not progress.written.is_set():
        request.cancel()
        raise TimeoutError


def _taken(status: int, text: str) -> dict[str, Any]:
    """The JSON object of a success; raises what another status means where nobody can read more out of it."""
    if 400 <= status < 500 and status not in (408, 429):
        raise Rejected(f"The provider refused it with {status}.")
    if status == 429:
        raise NotSent("The provider asks to slow down (429).")
    if status >= 300:
        raise SendUncertain(f"The provider answered {status}.")
    return _object(text)


async def _bounded(answer: aiohttp.ClientResponse) -> str:
    """The answer's text, or as much of it as anybody needs."""
    read = bytearray()
    async for chunk in answer.content.iter_any():
        read += chunk
        if len(read) > _MOST_READ:
            break
    return read.decode("utf-8", "replace")


def _object(text: str) -> dict[str, Any]:
    """The answer's JSON object. Anything else may be the page of a proxy that took it for itself."""
    answer = _parsed(text)
    if answer is None:
        raise SendUncertain("The answer is no JSON object.")
    return answer


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None
