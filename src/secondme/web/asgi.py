"""Bare routes, for what must be fast: a framework's route costs more than the work behind it."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from secondme.domain.errors import Invalid, NotFound, SecondMeError, StoreUnavailable
from secondme.observe import metrics
from secondme.observe.logs import get_logger

log = get_logger("web")
MAX_BODY = 4 * 1024 * 1024  # bytes; Meta sends up to 3 MB
PATIENCE = 10.0  # seconds that a body may take to arrive whole
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
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


class Bare:
    """An application of exact paths: {(method, path): route}. Served by `lines.Door`."""

    def __init__(self, routes: Mapping[tuple[str, str], Route]) -> None:
        self._routes = dict(routes)
        self._paths = {path for _, path in routes}

    async def respond(self, request: Request) -> Response:
        """What is answered to a request, whatever goes wrong. Never raises."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            known = request.path in self._paths
            return answer(
                {"error": "Method not allowed." if known else "No such path."}, 405 if known else 404
            )
        try:
            return await route(request)
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


def too_large() -> str:
    """What is said to whoever sends more than anybody has to say."""
    return f"A body has at most {MAX_BODY} bytes."


def common(health: Callable[[], Awaitable[dict[str, Any]]]) -> dict[tuple[str, str], Route]:
    """What every service answers: `/health` and `/metrics`."""

    async def show_health(request: Request) -> Response:
        state = await health()
        return answer(state, 200 if state["status"] != "down" else 503)

    async def show_metrics(request: Request) -> Response:
        return Response(200, metrics.render(), metrics.CONTENT_TYPE)

    return {("GET", "/health"): show_health, ("GET", "/metrics"): show_metrics}
