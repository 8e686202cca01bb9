"""The ledger: pooled connections to Postgres, and the vault that opens what lies in it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from types import MappingProxyType
from typing import Any

import asyncpg

from secondme.domain.errors import StoreUnavailable
from secondme.stores.vault import KeyRing, Vault, new_key

type Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

# A process that is stopped in mid-transaction must not hold the fence's locks for longer than a press may wait.
_SERVER_SETTINGS = {
    "application_name": "secondme",
    "idle_in_transaction_session_timeout": "1000",
    "lock_timeout": "5000",
    "jit": "off",
    "timezone": "UTC",
}
# The ears' statements take arrays of any length: planned once, by the indexes, however small the tables were then.
_EARS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_DOWN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that Postgres ended while it was idle says this when it is used
)
_LOCK = {
    True: "SELECT pg_advisory_lock(7103005, $1) IS NOT NULL",
    False: "SELECT pg_try_advisory_lock(7103005, $1)",
}
# What another try may well not meet again: a server that goes or is full, a deadlock, a lock held for too long.
_PASSING = (
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.PostgresSystemError,
)


class Lock(Enum):
    """What only one process of the instance does at a time, beyond one transaction."""

    LEARNING = 1  # reading what live messages say: each is read once
    KNOWING = 2  # writing to the graph what the ledger still has: whoever erases comes after it
    IMPORTING = 3  # working off an imported chat


class Ledger:
    """Pools per purpose, so that a busy mouth never starves the ears. Sizes are connections per process."""

    def __init__(
        self, dsn: str, vault: Vault, ears: asyncpg.Pool, rest: asyncpg.Pool, light: asyncpg.Pool
    ) -> None:
        self.dsn = dsn
        self.vault = vault
        self._ears = ears
        self._rest = rest
        self._light = light

    @classmethod
    async def open(cls, dsn: str, ring: KeyRing, *, ears: int = 2, rest: int = 8, light: int = 6) -> "Ledger":
        """Connect and open the vault. Raises StoreUnavailable, or ConfigError where the ring is not the ledger's."""
        first = await _pool(dsn, ears, _EARS)
        try:
            async with _mapped(), first.acquire() as connection:
                vault = await _open_vault(connection, ring)
            lazy = {
                "synchronous_commit": "off",
                "plan_cache_mode": "force_generic_plan",
                "enable_seqscan": "off",
            }
            return cls(dsn, vault, first, await _pool(dsn, rest), await _pool(dsn, light, lazy))
        except BaseException:
            first.terminate()
            raise

    @asynccontextmanager
    async def transaction(self, *, ears: bool = False, lazy: bool = False) -> AsyncIterator[Connection]:
        """One transaction; committed when the block ends. Raises StoreUnavailable when Postgres does not answer.

        A `lazy` one need not be on disk when it returns: whatever is committed after it, by whomever, puts it there.
        """
        pool = self._ears if ears else self._light if lazy else self._rest
        async with _mapped(), pool.acquire(timeout=10) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def single(self, *, ears: bool = False) -> AsyncIterator[Connection]:
        """A connection without a transaction, for statements each of which is on disk when it returns.

        Raises StoreUnavailable when Postgres does not answer.
        """
        pool = self._ears if ears else self._rest
        async with _mapped(), pool.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def light(self) -> AsyncIterator[Connection]:
        """A connection without a transaction, for single statements that read, or whose loss a crash may cost.

        Raises StoreUnavailable when Postgres does not answer.
        """
        async with _mapped(), self._light.acquire(timeout=10) as connection:
            yield connection

    @asynccontextmanager
    async def alone(self, lock: Lock, *, wait: bool = True) -> AsyncIterator[Connection | None]:
        """Hold one of the instance's locks until the block ends, on a connection without a transaction.

        None where somebody else has it and `wait` is False. It frees itself with the process that has it.
        Raises StoreUnavailable when Postgres does not answer, or nobody frees it within five seconds.
        """
        async with _mapped(), self._rest.acquire(timeout=10) as connection:
            mine = await _or_end(connection, _LOCK[wait], lock.value)
            try:
                yield connection if mine else None
            finally:
                if mine:
                    await _or_end(connection, "SELECT pg_advisory_unlock(7103005, $1)", lock.value)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection beside the pools, for statements that may take minutes, or that a transaction may not hold.

        Raises StoreUnavailable when Postgres does not answer.
        """
        async with _mapped():
            connection = await asyncpg.connect(self.dsn, timeout=5, server_settings=_SERVER_SETTINGS)
            try:
                yield connection
            finally:
                await connection.close(timeout=3)

    async def ping(self) -> None:
        """Raises StoreUnavailable when Postgres does not answer within two seconds."""
        async with _mapped(), self._light.acquire(timeout=2) as connection:
            await connection.execute("SELECT 1", timeout=2)

    async def close(self) -> None:
        for pool in (self._ears, self._rest, self._light):
            try:
                await _closed(pool)
            except (*_DOWN, *_PASSING):
                pool.terminate()


async def _or_end(connection: Connection, question: str, value: int) -> Any:
    """Ask; a connection of which one cannot tell whether it holds the lock is ended, which frees it."""
    try:
        return await connection.fetchval(question, value)
    except BaseException:
        connection.terminate()
        raise


async def _closed(pool: asyncpg.Pool) -> None:
    async with asyncio.timeout(3):
        await pool.close()


@asynccontextmanager
async def _mapped() -> AsyncIterator[None]:
    try:
        yield
    except asyncpg.LockNotAvailableError as error:
        raise StoreUnavailable("Postgres is busy: others hold what this needs. Try again.") from error
    except (*_DOWN, *_PASSING) as error:
        raise StoreUnavailable(f"Postgres does not answer ({type(error).__name__}).") from error


async def _no_reset(connection: Any) -> None:
    """Our statements leave nothing behind on a connection that a round trip would have to clean up."""


async def _pool(dsn: str, size: int, more: Mapping[str, str] = MappingProxyType({})) -> asyncpg.Pool:
    async with _mapped():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=5,
            command_timeout=10,
            max_inactive_connection_lifetime=60,
            server_settings={**_SERVER_SETTINGS, **more},
            init=_set_codecs,
            reset=_no_reset,
        )


async def _set_codecs(connection: Any) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _open_vault(connection: Connection, ring: KeyRing) -> Vault:
    """The instance's own keys, made on first use; whoever comes second reads what the first one made."""
    keys = {}
    for name in ("index", "owner"):
        fresh = ring.wrap(new_key(), f"keyring:{name}")
        await connection.execute(
            "INSERT INTO keyring (name, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, fresh
        )
        wrapped = await connection.fetchval("SELECT wrapped FROM keyring WHERE name = $1", name)
        keys[name] = ring.unwrap(wrapped, f"keyring:{name}")
    return Vault(ring, keys["index"], keys["owner"])
