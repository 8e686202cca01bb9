"""Requests that come whole, in pieces, together, too late, too large or as none at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from secondme.web import asgi, lines, sockets
from secondme.web.asgi import Bare, Request, Response
from tests.support.served import on_a_port

LIMIT = 10.0  # seconds
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def _show(request: Request) -> Response:
    """What came, with the last X-Kind as its type; what waits, waits."""
    if request.body == b"wait":
        await asyncio.sleep(0.2)
    return Response(
        200, request.body + request.query.get("q", [""])[0].encode(), request.header(b"x-kind") or "none"
    )


APP = Bare({(method, path): _show for method in ("GET", "POST") for path in ("/", "/a b")})


def posted(body: bytes, more: str = "", path: str = "/") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@asynccontextmanager
async def calling() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with on_a_port(APP) as port, asyncio.timeout(LIMIT):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield reader, writer
        writer.close()


async def said(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer: status, headers, body."""
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))


@pytest.mark.parametrize("pause", [None, 0, 0.01])
async def test_a_body_is_read_whole_however_it_comes(pause: float | None) -> None:
    whole = posted(b"in pieces", "X-Kind: first\r\nx-kind: last\r\n")
    async with calling() as (reader, writer):
        for step in (1, 7, len(whole)):
            for at in range(0, len(whole), step):
                writer.write(whole[at : at + step])
                if pause is not None and at < 40:
                    await writer.drain()
                    await asyncio.sleep(pause)
            status, headers, body = await said(reader)
            assert (status, headers["content-type"], body) == (200, "last", b"in pieces")
            assert headers["date"]


async def test_requests_that_come_together_are_answered_in_their_order() -> None:
    async with calling() as (reader, writer):
        writer.write(posted(b"wait") + b"".join(posted(b"%d" % number) for number in range(200)))
        answers = [(await said(reader))[2] for _ in range(201)]
    assert answers == [b"wait", *(b"%d" % number for number in range(200))]


async def test_addresses_are_read_as_others_read_them() -> None:
    async with calling() as (reader, writer):
        for path in ("/?q=1%20x#y", "http://x/?q=1+x", "/a%20b?q=1%20x"):
            writer.write(GET.replace(b"/ ", path.encode() + b" ", 1))
            assert (await said(reader))[::2] == (200, b"1 x"), path
        for line, status in ((b"GET /none", 404), (b"PUT /", 405)):
            writer.write(line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await said(reader))[0] == status


async def test_a_head_alone_is_answered_without_a_body() -> None:
    async with calling() as (reader, writer):
        writer.write(GET.replace(b"GET", b"HEAD") + GET)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405")
        assert (await said(reader))[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * lines._MOST_HEAD, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000, 431),
        (b"GET /" + b"x" * lines._MOST_HEAD, 431),
        (posted(b"x" * (asgi.MAX_BODY + 1)), 413),
    ],
    ids=["nonsense", "headers", "a header", "address", "body"],
)
async def test_what_is_refused_is_told_why_and_shown_out(sent: bytes, status: int) -> None:
    async with calling() as (reader, writer):
        writer.write(sent)
        assert (await said(reader))[0] == status
        assert await reader.read() == b""


async def test_a_body_of_the_largest_size_is_taken() -> None:
    async with calling() as (reader, writer):
        writer.write(posted(b"x" * asgi.MAX_BODY))
        assert len((await said(reader))[2]) == asgi.MAX_BODY


@pytest.mark.parametrize("asked", ["Connection: close\r\n", "Upgrade: h2c\r\nConnection: Upgrade, close\r\n"])
async def test_who_asks_for_it_is_hung_up_on(asked: str) -> None:
    async with calling() as (reader, writer):
        writer.write(posted(b"", asked))
        status, headers, _ = await said(reader)
        assert (status, headers["connection"], await reader.read()) == (200, "close", b"")


async def test_who_asks_whether_to_go_on_may() -> None:
    async with calling() as (reader, writer):
        whole = posted(b"body", "Expect: 100-continue\r\n")
        writer.write(whole[:-4])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(whole[-4:])
        assert (await said(reader))[2] == b"body"


async def test_a_body_that_comes_too_late_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PATIENCE", 0.2)
    async with calling() as (reader, writer):
        writer.write(GET)
        assert (await said(reader))[0] == 200
        writer.write(posted(b"late")[:-1])
        status, _, body = await said(reader)
        assert (status, b"whole within" in body, await reader.read()) == (408, True, b"")


async def test_who_never_takes_an_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 0.2)
    async with calling() as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(posted(b"x" * asgi.MAX_BODY) * 8)
        with pytest.raises(ConnectionError):
            while True:
                await writer.drain()
                await asyncio.sleep(0.05)


async def test_who_is_being_answered_gets_the_answer_before_the_door_is_shut() -> None:
    async with asyncio.timeout(LIMIT):
        async with on_a_port(APP) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            idle, other = await asyncio.open_connection("127.0.0.1", port)
            writer.write(posted(b"wait"))
            await asyncio.sleep(0.05)
        status, headers, body = await said(reader)
        assert (status, headers["connection"], body) == (200, "close", b"wait")
        assert await idle.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        other.close()
