"""The graph: what is known. In this version it is opened and watched; memory fills it later."""

from falkordb.asyncio import FalkorDB  # type: ignore[import-untyped]
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from secondme.domain.errors import StoreUnavailable


class Graph:
    """A connection to FalkorDB, opened at the first question."""

    def __init__(self, url: str) -> None:
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=4,
            timeout=2,
            socket_timeout=2,
            socket_connect_timeout=2,
            decode_responses=True,
        )
        self._db = FalkorDB(connection_pool=self._pool)

    async def ping(self) -> None:
        """Raises StoreUnavailable when the graph's module does not answer a query."""
        try:
            await self._db.select_graph("secondme").query("RETURN 1")
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"FalkorDB does not answer ({type(error).__name__}).") from error

    async def close(self) -> None:
        await self._pool.aclose()
