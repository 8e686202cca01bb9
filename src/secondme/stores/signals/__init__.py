"""Redis: doorbells, mirrors, events. Everything in it may vanish at any moment; only the ledger remembers."""

import asyncio
from datetime import timedelta
from typing import Any

from redis.exceptions import ResponseError

from secondme.domain.errors import StoreUnavailable
from secondme.stores.rewriting import rewrite
from secondme.stores.signals.bells import Bells
from secondme.stores.signals.news import News
from secondme.stores.signals.pauses import Pauses
from secondme.stores.signals.shelf import Shelf
from secondme.stores.signals.telling import Telling
from secondme.stores.signals.wire import Wire

__all__ = ["RedisSignals"]

_REWRITTEN = 60.0  # seconds that rewriting the files may take


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

    async def rewrite_files(self) -> None:
        """Have the server write its files anew, for what it held lies in them: personas quote. Raises StoreUnavailable.

        A server of the owner's own may forbid it; what lies in its files is then as old as its settings let it be.
        """

        async def command(*words: str) -> Any:
            return await self._wire.ask(" ".join(words), lambda redis: redis.execute_command(*words))

        try:
            async with asyncio.timeout(_REWRITTEN):
                await rewrite(command)
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, ResponseError):
                raise
            self._wire.failed("rewrite files", error.__cause__)
        except TimeoutError as error:
            raise StoreUnavailable("Redis is still rewriting its files: forget again in a while.") from error

    async def close(self) -> None:
        """Leave the consumer groups and close every connection. Never raises."""
        await self.leave()
        await self._wire.close()
