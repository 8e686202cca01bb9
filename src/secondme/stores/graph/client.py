"""The way to FalkorDB: queries from files, values as parameters, several queries at once as one."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError, TimeoutError

from secondme.domain.errors import ConfigError, SecondMeError, StoreUnavailable
from secondme.stores.graph.values import Row, Value, encoded, header, rows

GRAPH = "secondme"
_QUERIES = Path(__file__).parent / "queries"
_CONNECT = 2.0  # seconds; also for the wait for a free connection
_PING = 2.0  # seconds
_ANSWER = 15.0  # seconds for one answer: the longest is that of a batch of an import on a busy machine
_READ_MS = "5000"  # after so many the server gives up a read by itself, unless its file says otherwise
_WITHIN = re.compile(r"within (\d+) ms")
_COMPACT = "--compact"
# What the server says while it cannot serve, rather than because of what it was asked.
_PASSING = (
    *("LOADING", "BUSY", "OOM", "MISCONF", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS"),
    *("NOAUTH", "WRONGPASS", "NOPERM", "unknown command"),
)


class TooSlow(StoreUnavailable):
    """FalkorDB has not answered a query in its time. What was asked may be the reason, so less may go through."""


class QueryRefused(SecondMeError):
    """FalkorDB refused a query: a fault of ours, or a graph that somebody else has changed. Not worth another try."""


@dataclass(frozen=True, slots=True)
class Query:
    """A file of queries/: its name, and its text without comments. The first line says `// write`, or `// read`, or
    `// read within 750 ms`, after which the server gives it up."""

    name: str
    text: str
    reads: bool
    within_ms: str = _READ_MS


@cache
def load(name: str) -> Query:
    """The query of that name. Raises FileNotFoundError, a fault of ours."""
    lines = (_QUERIES / f"{name}.cypher").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("//")).strip()
    within = _WITHIN.search(lines[0])
    return Query(name, text, lines[0].startswith("// read"), within[1] if within else _READ_MS)


class Graph:
    """A graph of a FalkorDB. Connections are opened as they are needed; one object serves a process.

    Whatever is asked raises StoreUnavailable where the server does not answer, saying what to do, and QueryRefused
    where it will not. After StoreUnavailable nobody knows whether a write was done.
    """

    def __init__(self, url: str, name: str = GRAPH, *, connections: int = 8) -> None:
        """Raises ConfigError for a URL that cannot be read."""
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=_CONNECT,
                socket_timeout=_ANSWER,
                socket_connect_timeout=_CONNECT,
                retry=Retry(NoBackoff(), 0),  # a write that may have been done is its caller's to repeat
                decode_responses=True,
                protocol=2,
            )
        except ValueError:
            raise ConfigError(
                "FALKORDB_URL cannot be read. Write it as redis://:PASSWORD@HOST:6379, or rediss:// for TLS."
            ) from None
        self.name = name
        self._redis = Redis(connection_pool=pool)
        kwargs = pool.connection_kwargs
        self._place = f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"

    async def query(self, name: str, /, **parameters: Value) -> list[Row]:
        """The rows of one query file."""
        query = load(name)
        return rows(await self._ask(name, self._words(query, parameters)))

    async def transaction(self, steps: Sequence[tuple[str, Mapping[str, Value]]]) -> list[list[Row]]:
        """Several query files, each with its parameters, with nobody between them and one write to the disk.

        Returns the rows of each. One that is refused does not undo the others: what must hold together in spite of
        a fault is one query.
        """
        pipe = self._redis.pipeline(transaction=True)
        for name, parameters in steps:
            pipe.execute_command(*self._words(load(name), parameters, alone=False))
        try:
            answers = await pipe.execute(raise_on_error=False)
        except TimeoutError as error:
            raise self._error(steps[0][0], error) from error
        except (RedisError, OSError) as error:  # before any of them ran: it is the server, not what was asked
            raise StoreUnavailable(self._explain(error)) from error
        for (name, _), answer in zip(steps, answers, strict=True):
            if isinstance(answer, Exception):
                raise self._error(name, answer) from answer
        return [rows(answer) for answer in answers]

    async def run(self, text: str, /, **parameters: Value) -> list[Row]:
        """The rows of a statement of a migration. Whatever comes from outside goes through `query`."""
        return rows(await self._ask("a migration", self._words(Query("", text, reads=False), parameters)))

    async def command(self, *words: str) -> Any:
        """A command of the server's own, such as GRAPH.CONSTRAINT; its answer as the server gives it."""
        return await self._ask(words[0], words)

    async def ping(self, within: float = _PING) -> None:
        """Raises StoreUnavailable when the graph's module does not answer a query in so many seconds, saying what
        to do."""
        try:
            async with asyncio.timeout(within):
                await self._redis.execute_command("GRAPH.QUERY", self.name, "RETURN 1")
        except (RedisError, OSError) as error:
            raise StoreUnavailable(self._explain(error)) from error

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)

    def _words(
        self, query: Query, parameters: Mapping[str, Value], *, alone: bool = True
    ) -> tuple[str | bytes, ...]:
        text = encoded(header(parameters) + query.text)
        if query.reads and alone:
            return "GRAPH.RO_QUERY", self.name, text, _COMPACT, "TIMEOUT", query.within_ms
        return "GRAPH.QUERY", self.name, text, _COMPACT

    async def _ask(self, what: str, words: Sequence[str | bytes]) -> Any:
        try:
            return await self._redis.execute_command(*words)
        except (RedisError, OSError) as error:
            # A graph that nobody has written to yet: a read may not be the first, so it asks as a write does.
            if words[0] == "GRAPH.RO_QUERY" and "empty key" in str(error):
                return await self._ask(what, ("GRAPH.QUERY", *words[1:4]))
            raise self._error(what, error) from error

    def _error(self, what: str, error: Exception) -> SecondMeError:
        """In words of ours: the server's may quote what was sent."""
        said = str(error)
        if isinstance(error, TimeoutError):
            return TooSlow(self._explain(error))
        if said.startswith("Query timed out"):
            return TooSlow(f"FalkorDB at {self._place} is too busy to answer `{what}`. Try again.")
        if isinstance(error, ResponseError) and not said.startswith(_PASSING):
            return QueryRefused(f"FalkorDB at {self._place} refused the query `{what}`.")
        return StoreUnavailable(self._explain(error))

    def _explain(self, error: Exception) -> str:
        if isinstance(error, AuthenticationError) or str(error).startswith(("NOAUTH", "WRONGPASS")):
            return (
                f"FalkorDB at {self._place} refuses the password (NOAUTH). Correct it in FALKORDB_PASSWORD."
            )
        if "unknown command" in str(error):
            return f"The server at {self._place} is no FalkorDB: its graph module is not loaded."
        kind = "TimeoutError" if isinstance(error, TimeoutError) else type(error).__name__
        return f"FalkorDB at {self._place} does not answer ({kind}). Start it, or correct FALKORDB_URL."
