"""HTTP read and written by hand: each request's first byte has its moment, and an answer may be as bad as it likes."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate

from tests.stubs.phone_network import Log


@dataclass(frozen=True)
class Request:
    """One whole request. `first` and `last` are the CLOCK_MONOTONIC nanoseconds of its bytes."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    first: int
    last: int


@dataclass(frozen=True)
class Answer:
    """`manner`: whole, drip (byte by byte over `seconds`), half (then closed), close (no byte), hang (none ever)."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: str = "whole"
    seconds: float = 0.0
    skew: float = 0.0  # seconds by which the Date header is wrong


Respond = Callable[[Request], Awaitable[Answer]]


class Connection(asyncio.Protocol):
    """One connection; what breaks off on it is logged as a request that is not whole."""

    def __init__(self, respond: Respond, log: Log) -> None:
        self._respond = respond
        self._log = log
        self._transport: asyncio.Transport | None = None
        self._read = b""
        self._first = self._last = 0
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._last = time.monotonic_ns()
        if not self._read:
            self._first = self._last
        self._read += data
        while request := self._next():
            task = asyncio.create_task(self._answer(request))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            self._first = self._last

    def connection_lost(self, error: Exception | None) -> None:
        if self._read:
            seen = self._read.decode(errors="replace")
            self._log.write(
                "request", first=self._first, last=self._last, wall=time.time_ns(), whole=False, seen=seen
            )

    def _next(self) -> Request | None:
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return None
        lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._read = rest[length:]
        method, target, _ = lines[0].split(" ", 2)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, rest[:length], self._first, self._last)

    async def _answer(self, request: Request) -> None:
        try:
            answer = await self._respond(request)
        except Exception:
            answer = Answer(599, traceback.format_exc().encode())
        transport = self._transport
        if answer.manner == "hang" or transport is None or transport.is_closing():
            return
        if answer.manner == "close":
            transport.close()
            return
        transport.write(_head(answer))
        if answer.manner == "half":
            transport.write(answer.body[: len(answer.body) // 2])
            transport.close()
        elif answer.manner == "drip":
            for byte in answer.body:
                await asyncio.sleep(answer.seconds / max(1, len(answer.body)))
                transport.write(bytes([byte]))
        else:
            transport.write(answer.body)


def _head(answer: Answer) -> bytes:
    date = formatdate(time.time() + answer.skew, usegmt=True)
    headers = {"Content-Type": "application/json; charset=UTF-8", "Date": date, **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(answer.body)}", "", ""]).encode()
