"""Redis: doorbells, mirrors, events. Everything in it may vanish at any moment; only the ledger remembers."""

from datetime import timedelta

from secondme.stores.signals.bells import Bells
from secondme.stores.signals.news import News
from secondme.stores.signals.pauses import Pauses
from secondme.stores.signals.shelf import Shelf
from secondme.stores.signals.telling import Telling
from secondme.stores.signals.wire import Wire

__all__ = ["RedisSignals"]


class RedisSignals(Telling, Bells, Pauses, News, Shelf):
    """ports.Signals on Redis 7 or newer. Opens connections as it needs them; one object serves a process."""

    def __init__(
        self,
        url: str,
        *,
        connections: int = 50,
        waiters: int = 16,
        idle_after: timedelta = timedelta(minutes=5),
    ) -> None:
        """`connections` bounds calls at once, `waiters` the tasks inside `wait` or `subscribe`. Consumers and
        bells untouched for `idle_after` are forgotten. Raises ConfigError for a URL that cannot be read.
        """
        super().__init__(Wire(url, connections, waiters), idle_after)

    async def ping(self) -> None:
        """Raises StoreUnavailable within a second when Redis does not answer, or answers with no."""
        await self._wire.ask("ping", lambda redis: redis.ping())

    async def close(self) -> None:
        """Leave the consumer groups and close every connection. Never raises."""
        await self.leave()
        await self._wire.close()
