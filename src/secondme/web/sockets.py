"""The sockets under every service: callers that never finish asking are shown out, and there is room for many."""

import resource
from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from secondme.web.asgi import Bare

PATIENCE = 10.0  # seconds that a request's head may take to arrive
_MANY = 65_536  # open files that are enough for anybody


class Impatient(HttpToolsProtocol):
    """uvicorn's protocol, which waits for ever for the rest of a head. Bodies have a limit of their own (asgi.py)."""

    _began: float | None = None  # when the connection, or the head that is arriving, began
    _looks: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._began = self.loop.time()
        self._look_again()

    def data_received(self, data: bytes) -> None:
        if self._began is None and (self.cycle is None or self.cycle.response_complete):
            self._began = self.loop.time()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._began = None
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._looks is not None:
            self._looks.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        if self._began is not None and self.loop.time() - self._began >= PATIENCE:
            self.transport.close()
        else:
            self._look_again()

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


def make_room() -> None:
    """Raise this process's limit of open files as far as it may: a thousand idle callers must not use it up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY if hard == resource.RLIM_INFINITY else min(_MANY, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
