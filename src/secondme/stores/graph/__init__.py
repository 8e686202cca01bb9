"""The graph: what is known. In this version it is opened and watched; memory fills it later."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from secondme.domain.errors import ConfigError, StoreUnavailable


class Graph:
    """A connection to FalkorDB, opened at the first question: the client's own class asks in its constructor."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError for a URL that cannot be read."""
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=4,
                timeout=2,
                socket_timeout=2,
                socket_connect_timeout=2,
                decode_responses=True,
                protocol=2,
            )
        except ValueError:
            raise ConfigError(
                "FALKORDB_URL cannot be read. Write it as redis://:PASSWORD@HOST:6379, or rediss:// for TLS."
            ) from None
        self._redis = Redis(connection_pool=pool)
        kwargs = pool.connection_kwargs
        self._place = f"{kwargs.get('host', 'localhost')}:{kwargs.get('port', 6379)}"

    async def ping(self) -> None:
        """Raises StoreUnavailable when the graph's module does not answer a query, saying what to do."""
        try:
            await self._redis.execute_command("GRAPH.QUERY", "secondme", "RETURN 1")
        except (RedisError, OSError) as error:
            raise StoreUnavailable(self._explain(error)) from error

    def _explain(self, error: Exception) -> str:
        if isinstance(error, AuthenticationError) or str(error).startswith(("NOAUTH", "WRONGPASS")):
            return (
                f"FalkorDB at {self._place} refuses the password (NOAUTH). Correct it in FALKORDB_PASSWORD."
            )
        if isinstance(error, ResponseError):
            return f"The server at {self._place} is no FalkorDB: its graph module is not loaded."
        return (
            f"FalkorDB at {self._place} does not answer ({type(error).__name__})."
            " Start it, or correct FALKORDB_URL."
        )

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)
