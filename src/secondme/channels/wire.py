"""One POST, sent once: knows whether a byte has left, and aborts what is not written in time."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from yarl import URL

from secondme.domain.errors import NotSent, Rejected, SendUncertain
from secondme.failpoints import armed, failpoint

# What an answer that is no success means to a channel that can read it: (status, its JSON object if it is one,
# Retry-After). None leaves it to the status.
Meaning = Callable[[int, Mapping[str, Any] | None, str | None], Exception | None]

_MOST_READ = 1_000_000  # bytes of an answer


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
        self._write_before = write_before
        self._transport: asyncio.WriteTransport | None = None
        self.written = asyncio.Event()

    @property
    def began(self) -> bool:
        return self._transport is not None

    def begin(self, transport: asyncio.WriteTransport) -> None:
        """The last moment before the first byte: too late means that none goes."""
        if time.monotonic() >= self._write_before:
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


async def post_once(
    session: aiohttp.ClientSession,
    url: str,
    body: Mapping[str, Any],
    write_before: float,
    answer_timeout: float,
    headers: Mapping[str, str] | None = None,
    meaning: Meaning | None = None,
) -> dict[str, Any]:
    """POST `body` as JSON and return the answer's JSON object.

    `write_before` is a time.monotonic() moment. Raises NotSent (no byte left), Rejected (a 4xx answer),
    SendUncertain (bytes may have left: no answer, a 5xx, or one that is not JSON), or what `meaning` says.
    """
    progress = _Progress(write_before)
    exchange = _exchange(session, url, json.dumps(body).encode(), progress, headers, meaning)
    request = asyncio.create_task(exchange)
    try:
        await _written_in_time(request, progress, write_before)
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


async def _written_in_time(request: "asyncio.Task[Any]", progress: _Progress, write_before: float) -> None:
    """Wait for the last byte, at most until `write_before`."""
    written = asyncio.create_task(progress.written.wait())
    try:
        await asyncio.wait(
            {request, written},
            timeout=max(0.0, write_before - time.monotonic()),
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        written.cancel()
    if not request.done() and not progress.written.is_set():
        request.cancel()
        raise TimeoutError


async def _exchange(
    session: aiohttp.ClientSession,
    url: str,
    data: bytes,
    progress: _Progress,
    headers: Mapping[str, str] | None,
    meaning: Meaning | None,
) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(total=None)
    async with session.post(
        URL(url), data=_Body(data, progress), headers=headers, timeout=timeout, allow_redirects=False
    ) as answer:
        text = await _bounded(answer)
        if meaning is not None and answer.status >= 300:
            said = meaning(answer.status, _parsed(text), answer.headers.get("Retry-After"))
            if said is not None:
                raise said
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            raise Rejected(f"The provider refused it with {answer.status}.")
        if answer.status == 429:
            raise NotSent("The provider asks to slow down (429).")
        if answer.status >= 300:
            raise SendUncertain(f"The provider answered {answer.status}.")
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
