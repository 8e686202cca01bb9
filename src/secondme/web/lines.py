"""HTTP/1.1 under the bare services: a server for any application costs more than what is done with a webhook."""

import asyncio
import socket
import time
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qs, unquote

import httptools

from secondme.web import asgi, sockets
from secondme.web.asgi import Bare, Request, Response, answer

_MOST_HEAD = 65_536  # bytes of an address and its headers
_TOO_LONG = f"A head has at most {_MOST_HEAD} bytes."
_LEAVE = 3.0  # seconds that whoever is being answered may take when the service ends
_CLOSE = b"connection: close\r\n"


class _Refused(Exception):
    """What is arriving is not waited for any longer."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.response = answer({"error": said}, status)


class Line(asyncio.Protocol):
    """One caller's connection. Its requests are answered one after the other, each once it is there whole."""

    def __init__(self, web: Bare, lines: "set[Line]") -> None:
        """`lines` are those that are open."""
        self._web = web
        self._lines = lines
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = (
            deque()
        )  # whole ones, and whether the line stays open behind
        self._answering: asyncio.Task[None] | None = None
        self._leaving = self._paused = False
        self._room = asyncio.Event()  # whether the caller takes what is answered
        self._room.set()
        self._forget()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods alone
        self._lines.add(self)
        self._since = self._loop.time()  # when what is waited for began: a head, a body, room for an answer
        self._look_again()

    def connection_lost(self, error: Exception | None) -> None:
        self._looks.cancel()
        self._lines.discard(self)
        self._room.set()

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        begins, in_head = not self._began, self._began and not self._in_body
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # to nothing that is spoken here: it is answered as what it was before
        except httptools.HttpParserCallbackError as error:
            refused = error.__context__
            self._refuse(refused if isinstance(refused, _Refused) else _Refused(400, "This is no request."))
        except httptools.HttpParserError:
            self._refuse(_Refused(400, "This is no request."))
        if begins:
            self._since = self._loop.time()
        elif in_head and self._began and not self._in_body:  # a line without an end reaches no one below
            self._unread += len(data)
            if self._unread > _MOST_HEAD:
                self._refuse(_Refused(431, _TOO_LONG))

    def pause_writing(self) -> None:
        self._room.clear()
        self._since = self._loop.time()

    def resume_writing(self) -> None:
        self._room.set()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._began = True

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grew(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))
        self._grew(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_body, self._size = True, 0
        self._since = self._loop.time()
        if (b"expect", b"100-continue") in self._headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, chunk: bytes) -> None:
        self._grew(len(chunk))
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        path, query = _parted(self._url)
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        request = Request(self._parser.get_method().decode(), path, query, self._headers, body)
        self._waiting.append((request, self._parser.should_keep_alive()))
        self._forget()
        if self._answering is None:
            self._answering = self._loop.create_task(self._answer())
        else:
            self._paused = True
            self._transport.pause_reading()  # whoever does not wait for an answer is not heard meanwhile

    def _forget(self) -> None:
        """The next request begins."""
        self._began = self._in_body = False
        self._url, self._size, self._unread = b"", 0, 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []

    def _grew(self, size: int) -> None:
        self._size += size
        if self._in_body and self._size > asgi.MAX_BODY:
            raise _Refused(413, asgi.too_large())
        if not self._in_body and self._size > _MOST_HEAD:
            raise _Refused(431, _TOO_LONG)

    async def _answer(self) -> None:
        while self._waiting:
            request, stays = self._waiting.popleft()
            response = await self._web.respond(request)
            if self._transport.is_closing():
                break
            stays = stays and not self._leaving
            self._write(response, stays, body=request.method != "HEAD")
            if not stays:
                self._waiting.clear()
                self._transport.close()
            elif not self._room.is_set():
                await self._room.wait()
        self._answering = None
        if not self._transport.is_closing():
            self._since = self._loop.time()
            if self._paused:
                self._paused = False
                self._transport.resume_reading()

    def _write(self, response: Response, stays: bool, *, body: bool = True) -> None:
        head = _head(response.status, response.content_type, len(response.body), int(time.time()))
        for name, value in response.headers.items():
            head += f"{name}: {value}\r\n".encode()
        self._transport.write(
            b"%b%b\r\n%b" % (head, b"" if stays else _CLOSE, response.body if body else b"")
        )

    def _refuse(self, refused: _Refused) -> None:
        """Say why and hang up; where somebody is being answered, hang up behind that."""
        if self._answering is None and not self._leaving:
            self._write(refused.response, stays=False)
            # Closed with something unread it would be reset, and what was said might be lost.
            self._transport.write_eof()
            self._since = self._loop.time()
        self._leaving = True

    def leave(self) -> None:
        """Hang up; whoever is being answered gets the answer first."""
        self._leaving = True
        if self._answering is None:
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _look(self) -> None:
        passed = self._loop.time() - self._since
        if not self._room.is_set() or (self._leaving and self._answering is None):
            if passed >= sockets.PATIENCE:
                self._transport.abort()
        elif self._answering is None and self._in_body and passed >= asgi.PATIENCE:
            self._refuse(_Refused(408, asgi.too_late()))
        elif self._answering is None and not self._in_body and passed >= sockets.PATIENCE:
            self._transport.close()
        self._look_again()

    def _look_again(self) -> None:
        """Seldom, and not once a request: a timer for each costs every honest caller something."""
        patience = min(sockets.PATIENCE, asgi.PATIENCE)
        self._looks = self._loop.call_later(patience / 4, self._look)


class Door:
    """Lets callers in to a bare application, until asked to stop."""

    def __init__(self, web: Bare) -> None:
        self._web = web
        self._lines: set[Line] = set()
        self._stop = asyncio.Event()
        self.started = False

    def stop(self) -> None:
        self._stop.set()

    async def serve(self, bound: socket.socket) -> None:
        """Listen on `bound`; after `stop`, whoever is being answered has three seconds."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Line(self._web, self._lines), sock=bound, backlog=2048)
        self.started = True
        try:
            await self._stop.wait()
        finally:
            server.close()
            for line in list(self._lines):
                line.leave()
        ends = loop.time() + _LEAVE
        while self._lines and loop.time() < ends:  # noqa: ASYNC110  # once, at the end
            await asyncio.sleep(0.02)
        for line in list(self._lines):
            line.abort()


@lru_cache(maxsize=64)
def _head(status: int, content_type: str, length: int, now: int) -> bytes:
    """A response's first lines; `now` in seconds of Unix time."""
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ndate: {formatdate(now, usegmt=True)}"
    return f"{first}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n".encode()


def _parted(url: bytes) -> tuple[str, dict[str, list[str]]]:
    """Path and query of what stands in a request's first line."""
    path, _, query = url.partition(b"#")[0].partition(b"?")
    if not path.startswith(b"/"):
        path = _absolute(url)
    named = unquote(path.decode("latin-1")) if b"%" in path else path.decode("latin-1")
    return named, parse_qs(query.decode("latin-1")) if query else {}


def _absolute(url: bytes) -> bytes:
    try:
        return httptools.parse_url(url).path or b"/"
    except httptools.HttpParserInvalidURLError:
        raise _Refused(400, "This is no address.") from None
