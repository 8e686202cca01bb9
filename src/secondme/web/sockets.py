"""The sockets under every service: who never finishes asking or listening is shown out, and there is room for many."""

import resource
import socket
from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from secondme.domain.errors import ConfigError
from secondme.web.asgi import Bare

PATIENCE = (
    10.0  # seconds that a request's head may take to arrive, and that a caller may leave an answer untaken
)
MOST_HEAD = 64 * 1024  # bytes of a request's head, and of whatever else comes that is no body
_MANY = 65_536  # open files that are enough for anybody


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol, which waits for ever for the rest of a head and for room to answer, and holds any head.

    Bodies have limits of their own (asgi.py).
    """

    _began: float | None = None  # when the connection, or the head that is arriving, began
    _idle = 0  # bytes since the last that were of use: a head without an end, or lines around a body that nobody reads
    _left = 0  # bytes that were waiting to be taken when last looked at
    _took = 0.0  # when that was last another number
    _looks: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began = self.loop.time()
        self._look_again()

    def data_received(self, data: bytes) -> None:
        if self._began is None and (self.cycle is None or self.cycle.response_complete):
            self._began = self.loop.time()
        self._idle += len(data)
        super().data_received(data)
        if self._idle > MOST_HEAD:
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._began = None
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._idle = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._idle = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looks is not None:
            self._looks.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        self._look_again()
        now = self.loop.time()
        if self._stuck(now):
            self.transport.abort()  # a mere close would wait for what nobody takes
        elif self._began is not None and now - self._began >= PATIENCE:
            self.transport.close()

    def _stuck(self, now: float) -> bool:
        """Whether something waits to be taken, and nothing of it was for so long that nobody listens."""
        left = self.transport.get_write_buffer_size()
        if left != self._left:
            self._left, self._took = left, now
        return left > 0 and now - self._took >= PATIENCE

    def _look_again(self) -> None:
        """Seldom, and not once a request: a timer for each costs every honest caller something."""
        self._looks = self.loop.call_later(PATIENCE / 4, self._look)


def options(web: Any) -> dict[str, Any]:
    """What uvicorn.Config is given for this application. Only the dashboard asks whether a proxy speaks TLS."""
    return {
        "http": Impatient,
        "ws": "none",
        "log_config": None,
        "access_log": False,
        "lifespan": "off",
        "proxy_headers": not isinstance(web, Bare),
        "timeout_graceful_shutdown": 3,
    }


def bind(name: str, port: int) -> socket.socket:
    """A service's listening socket on loopback. Raises ConfigError where the port is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))  # loopback alone
    except OSError as error:
        bound.close()
        variable = f"{name.upper().replace('-', '_')}_PORT"
        raise ConfigError(
            f"Port {port} for the {name} is in use: stop the program that has it, or set {variable}."
        ) from error
    bound.listen(2048)
    return bound


def make_room() -> None:
    """Raise this process's limit of open files as far as it may: a thousand idle callers must not use it up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY if hard == resource.RLIM_INFINITY else min(_MANY, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
