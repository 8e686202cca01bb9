"""Callers that send without an end, or take nothing of what they asked for: none of them is held for long."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio
import uvicorn

from secondme.web import asgi, sockets
from secondme.web.asgi import Bare, Careful, Request, Response, answer

KIB = 1024
LARGE = 8_000 * KIB  # more than kernels take in between
BEGUN = b"GET /large HTTP/1.1\r\nHost: x\r\n"
ASKED = BEGUN + b"\r\n"
CHUNKED = b"POST /whole HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


async def _whole(request: Request) -> Response:
    return answer(len(request.body))


async def _large(request: Request) -> Response:
    return Response(200, b"x" * LARGE)


async def _late(request: Request) -> Response:
    await asyncio.sleep(60)
    return Response()


async def _until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@dataclass
class Served:
    """A server as each service has one."""

    server: uvicorn.Server
    port: int

    @property
    def lines(self) -> int:
        return len(self.server.server_state.connections)

    async def until(self, lines: int) -> None:
        await _until(lambda: self.lines == lines)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def said_to(self, head: bytes) -> bytes:
        """The beginning of what is answered to this much and no more."""
        reader, writer = await self.open()
        writer.write(head)
        async with asyncio.timeout(5):
            said = await reader.read(200)
        writer.close()
        return said


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    web = Bare(
        {
            ("POST", "/whole"): _whole,
            ("GET", "/large"): _large,
            ("GET", "/late"): _late,
            ("POST", "/signed"): Careful(
                lambda head: None if head.header(b"x-signed") else answer({}, 401), _whole
            ),
        }
    )
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web, **sockets.options(web) | {"timeout_graceful_shutdown": 0}))
    task = asyncio.create_task(server._serve(sockets=[bound]))
    await _until(lambda: server.started)
    yield Served(server, bound.getsockname()[1])
    server.should_exit = True
    await task


async def _pushed(served: Served, begin: bytes, piece: bytes) -> int:
    """Send pieces until shown out; returns about how many bytes were taken."""
    _, writer = await served.open()
    sent = 0
    writer.write(begin)
    with suppress(ConnectionError):
        async with asyncio.timeout(5):
            while not writer.transport.is_closing() and sent < 400_000 * KIB:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
    writer.close()
    await served.until(0)
    return sent


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (BEGUN, b"x-name: " + b"a" * KIB + b"\r\n"),
        (BEGUN + b"x-name: ", b"a" * KIB),
        (b"GET /", b"a" * KIB),
        (b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n" + BEGUN, b"x-name: " + b"a" * KIB + b"\r\n"),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"x-name: " + b"a" * KIB + b"\r\n"),
        (CHUNKED + b"1;", b"a" * KIB),
        (b"", b"\r\n" * 512),
    ],
    ids=["headers", "a header", "an address", "behind a request", "trailers", "an extension", "line ends"],
)
async def test_what_is_no_body_has_an_end(served: Served, begin: bytes, piece: bytes) -> None:
    assert sockets.MOST_HEAD == 64 * KIB, "as docs/architecture.md says"
    # What the two kernels hold between them is sent too.
    assert await _pushed(served, begin, piece) < 16_000 * KIB


async def test_a_body_and_many_requests_may_be_longer_than_a_head(served: Served) -> None:
    reader, writer = await served.open()
    body = b"a" * 300 * KIB
    for _ in range(3):
        writer.write(b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"%d" % len(body))).startswith(b"HTTP/1.1 200")
    small = b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
    writer.write(small * 3000)
    async with asyncio.timeout(5):
        for _ in range(3000):
            await reader.readuntil(b"\r\n\r\n1")
    writer.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /signed HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", 401),
        (b"POST /signed HTTP/1.1\r\nHost: x\r\nx-signed: y\r\nContent-Length: 4194305\r\n\r\n", 413),
        (b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n", 413),
    ],
)
async def test_a_head_that_is_enough_to_refuse_is_answered_at_once(
    served: Served, head: bytes, status: int
) -> None:
    assert (await served.said_to(head)).startswith(b"HTTP/1.1 %d " % status)


def _held(size: int) -> bool:
    return asgi._unread >= size


async def _half_bodies(
    served: Served, sizes: Sequence[int]
) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Begin a body on a line each, and wait until they are held."""
    found = []
    for size in sizes:
        held = asgi._unread + size
        reader, writer = await served.open()
        writer.write(b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + b"a" * size)
        await _until(partial(_held, held))
        found.append((reader, writer))
    return found


async def test_half_bodies_hold_no_more_than_all_may(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asgi.MOST_UNREAD == 64 * KIB * KIB, "as docs/architecture.md says"
    monkeypatch.setattr(asgi, "MOST_UNREAD", 500 * KIB)
    half = await _half_bodies(served, [240 * KIB, 240 * KIB])
    more = b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    assert (await served.said_to(more % 999_999 + b"a" * 99 * KIB)).startswith(b"HTTP/1.1 503")
    (small,) = await _half_bodies(served, [30 * KIB])
    assert (await served.said_to(more % 3 + b"abc")).endswith(b"\r\n\r\n3")
    for _, writer in [*half, small]:
        writer.close()
    await served.until(0)
    assert asgi._unread == 0


async def test_who_takes_nothing_of_an_answer_is_shown_out(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the answer is whole and only waits to be taken, or others wait behind it."""
    monkeypatch.setattr(sockets, "PATIENCE", 1.0)
    callers = []
    for requests in (1, 1, 400, 400):
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        caller.connect(("127.0.0.1", served.port))
        caller.sendall(ASKED * requests)
        callers.append(caller)
    await served.until(4)
    await served.until(0)
    for caller in callers:
        caller.close()


async def test_who_takes_an_answer_slowly_gets_it_whole(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 0.4)
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * KIB)
    caller.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(caller, ("127.0.0.1", served.port))
    await loop.sock_sendall(caller, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    taken = 0
    while piece := await loop.sock_recv(caller, 64 * KIB):
        taken += len(piece)
        await asyncio.sleep(0.01)
    caller.close()
    assert taken > LARGE
