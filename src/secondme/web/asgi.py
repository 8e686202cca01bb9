"""Bare ASGI for the routes that must be fast: a framework's route costs more than the work behind it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from secondme.domain.errors import Invalid, NotFound, SecondMeError, StoreUnavailable
from secondme.observe import metrics
from secondme.observe.logs import get_logger

log = get_logger("web")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_MAX_BODY = 4 * 1024 * 1024  # bytes; Meta sends up to 3 MB
_SMALL = 64 * 1024  # bytes of a body for which there is always room
MOST_UNREAD = 64 * 1024 * 1024  # bytes that all bodies together may hold before they are whole
PATIENCE = 10.0  # seconds that a body may take to arrive whole
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
_unread = 0  # bytes of bodies that are not whole yet
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body read whole."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str:
        """A header by its name in small letters; the last of several, empty where there is none."""
        for key, value in reversed(self.headers):
            if key == name:
                return value.decode("latin-1")
        return ""

    def json(self) -> Any:
        """The body as JSON. Raises Invalid."""
        if not self.header(b"content-type").startswith("application/json"):
            raise Invalid("Send the body as application/json.")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Invalid("The body is not JSON.") from error

    def first(self, name: str) -> str | None:
        values = self.query.get(name)
        return values[0] if values else None

    @property
    def from_loopback_page(self) -> bool:
        """Whether the Host is this machine's own name: pages elsewhere must not reach in by DNS rebinding."""
        host = self.header(b"host")
        return host.rsplit(":", 1)[0] in _LOOPBACK or host in _LOOPBACK


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(status, _encode(value).encode())


Route = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Careful:
    """A Route that may refuse a request by its head, which has no body yet, before that is read."""

    refusal: Callable[[Request], Response | None]
    route: Route

    async def __call__(self, request: Request) -> Response:
        return await self.route(request)


class _Unread(Exception):
    """A body that is not read to its end, and what is said to that."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.response = answer({"error": said}, status)


class Bare:
    """An ASGI application of exact paths: {(method, path): route}."""

    def __init__(self, routes: Mapping[tuple[str, str], Route]) -> None:
        self._routes = dict(routes)
        self._paths = {path for _, path in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        response = await self._respond(scope, receive)
        headers = _head(response.content_type, len(response.body))
        if response.headers:
            headers += tuple((name.encode(), value.encode()) for name, value in response.headers.items())
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            known = scope["path"] in self._paths
            return answer(
                {"error": "Method not allowed." if known else "No such path."}, 405 if known else 404
            )
        head = Request(scope["method"], scope["path"], _parsed(scope["query_string"]), scope["headers"], b"")
        if isinstance(route, Careful) and (refusal := route.refusal(head)) is not None:
            return refusal
        try:
            _expect(head)
            body = await _read_in_time(receive)
        except TimeoutError:
            return _hurried()
        except _Unread as unread:
            return unread.response
        try:
            return await route(Request(head.method, head.path, head.query, head.headers, body))
        except Invalid as error:
            return answer({"error": str(error)}, 400)
        except NotFound as error:
            return answer({"error": str(error)}, 404)
        except StoreUnavailable:
            return answer({"error": "A store does not answer; try again."}, 503)
        except SecondMeError as error:
            return answer({"error": str(error)}, 409)
        except Exception as error:
            log.error("request.failed", error=type(error).__name__, status=500)
            return answer({"error": "Something went wrong here; nothing was taken. Try again."}, 500)


def too_late() -> str:
    """What is said to whoever did not send a whole body in time."""
    return f"A body must arrive whole within {PATIENCE:g} seconds; nothing was taken."


def _hurried() -> Response:
    return replace(answer({"error": too_late()}, 408), headers={"connection": "close"})


@lru_cache(maxsize=256)
def _head(content_type: str, length: int) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"content-type", content_type.encode()), (b"content-length", b"%d" % length))


def _parsed(query: bytes) -> Mapping[str, list[str]]:
    return parse_qs(query.decode("latin-1")) if query else {}


class _Begun:
    """A coroutine that has run up to its first wait, to be awaited from there."""

    def __init__(self, coroutine: Coroutine[Any, Any, bytes], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, bytes]:
        try:
            yield self._waits_for
            return (yield from self._coroutine.__await__())
        finally:
            self._coroutine.close()


async def _read_in_time(receive: Receive) -> bytes:
    """Raises TimeoutError. A body that came with its head, as nearly all do, costs no timer."""
    reading = _read(receive)
    try:
        waits_for = reading.send(None)
    except StopIteration as done:
        body: bytes = done.value
        return body
    async with asyncio.timeout(PATIENCE):
        return await _Begun(reading, waits_for)


def _expect(head: Request) -> None:
    """Raises _Unread where a body says that it is too large, which is one way to be."""
    length = head.header(b"content-length")
    if length.isdecimal() and int(length) > _MAX_BODY:
        raise _too_large()


def _too_large() -> _Unread:
    return _Unread(413, f"A body has at most {_MAX_BODY} bytes.")


async def _read(receive: Receive) -> bytes:
    """The whole body. Raises _Unread when it is too large, or when too much is held of others."""
    global _unread
    chunks, size = [], 0
    try:
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return b""
            chunk = event.get("body", b"")
            if size + len(chunk) > _MAX_BODY:
                raise _too_large()
            chunks.append(chunk)
            if not event.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
            size += len(chunk)
            _unread += len(chunk)
            if _unread > MOST_UNREAD and size > _SMALL:
                raise _Unread(503, "Too much is arriving at once; nothing was taken. Try again.")
    finally:
        _unread -= size


def common(health: Callable[[], Awaitable[dict[str, Any]]]) -> dict[tuple[str, str], Route]:
    """What every service answers: `/health` and `/metrics`."""

    async def show_health(request: Request) -> Response:
        state = await health()
        return answer(state, 200 if state["status"] != "down" else 503)

    async def show_metrics(request: Request) -> Response:
        return Response(200, metrics.render(), metrics.CONTENT_TYPE)

    return {("GET", "/health"): show_health, ("GET", "/metrics"): show_metrics}
