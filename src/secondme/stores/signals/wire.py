"""The connections to Redis. Every call ends within a second, and every failure becomes one word of ours."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError, TimeoutError

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.observe import metrics
from secondme.observe.logs import get_logger

ANSWER = 0.8  # seconds that a call may take in all, waiting for a connection included
_CONNECT = 0.5  # seconds for TCP, and again for the handshake
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_log = get_logger("signals")


def to_ms(moment: datetime) -> int:
    """Unix time in milliseconds, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND


def to_ms_up(moment: datetime) -> int:
    """Unix time in milliseconds, rounded up."""
    return -((_EPOCH - moment) // _MILLISECOND)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def counter_key(contact_id: str) -> str:
    return f"COUNTER:{contact_id}:msgs"


def recent_key(user_id: str) -> str:
    return f"messages:{user_id}"


def _pool(url: str, size: int, socket_timeout: float | None) -> BlockingConnectionPool:
    return BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=ANSWER,
        socket_timeout=socket_timeout,
        socket_connect_timeout=_CONNECT,
        socket_keepalive=True,
        # Once more for a connection that a restarted server closed; not for one that does not answer.
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        decode_responses=True,
        protocol=2,
    )


class Wire:
    """One pool for calls, one for tasks that wait, so that waiting never keeps a call waiting."""

    def __init__(self, url: str, connections: int, waiters: int) -> None:
        try:
            calls, waits = _pool(url, connections, ANSWER), _pool(url, waiters, None)
        except ValueError:
            raise ConfigError(
                "REDIS_URL cannot be read. Write it as redis://:PASSWORD@HOST:6379/0, or rediss:// for TLS."
            ) from None
        self.calls = Redis(connection_pool=calls)
        self.waits = Redis(connection_pool=waits)
        kwargs = calls.connection_kwargs
        self.place = str(
            kwargs.get("path") or f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"
        )
        self._logged: dict[str, float] = {}

    async def ask[T](self, what: str, call: Callable[[Redis], Awaitable[T]]) -> T:
        """Raises StoreUnavailable within a second, saying what to do."""
        try:
            async with asyncio.timeout(ANSWER):
                return await call(self.calls)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(self.explain(what, error)) from error

    async def tell[T](self, what: str, call: Callable[[Redis], Awaitable[T]], otherwise: T) -> T:
        """Never raises: a failure is counted, logged, and answered by `otherwise`."""
        try:
            async with asyncio.timeout(ANSWER):
                return await call(self.calls)
        except (RedisError, OSError) as error:
            self.failed(what, error)
            return otherwise

    def failed(self, what: str, error: Exception) -> None:
        """Count a failure; log at most one a second for each kind of call."""
        metrics.signal_errors.inc()
        now = time.monotonic()
        if now - self._logged.get(what, -1.0) >= 1:
            self._logged[what] = now
            _log.warning("signals.failed", call=what, reason=_word(error))

    def explain(self, what: str, error: Exception) -> str:
        if isinstance(error, AuthenticationError) or _word(error) in ("NOAUTH", "WRONGPASS", "NOPERM"):
            return f"Redis at {self.place} refuses the password. Correct it in REDIS_URL."
        if isinstance(error, ResponseError):
            return f"Redis at {self.place} refused `{what}` ({_word(error)}). See its log."
        return f"Redis at {self.place} does not answer ({_word(error)}). Start it, or correct REDIS_URL."

    async def close(self) -> None:
        for client in (self.calls, self.waits):
            try:
                async with asyncio.timeout(ANSWER):
                    await client.aclose(close_connection_pool=True)
            except (RedisError, OSError) as error:
                self.failed("close", error)


def _word(error: Exception) -> str:
    """The error's code as Redis gives it (WRONGTYPE), else its type: the rest could quote what was sent."""
    code = str(error).split(" ", 1)[0] if isinstance(error, ResponseError) else ""
    if code.isascii() and code.isupper() and code.isalpha():
        return code
    return "TimeoutError" if isinstance(error, TimeoutError) else type(error).__name__


class Wired:
    """What the parts of RedisSignals share."""

    def __init__(self, wire: Wire, idle_after: timedelta) -> None:
        self._wire = wire
        self._idle_after = idle_after
