"""Postgres' own files after an erasure: old pages and the log of writes have what was deleted until they go as well."""

import asyncio

import asyncpg

from secondme.domain.errors import StoreUnavailable
from secondme.stores.ledger.pool import Ledger

# What keys that are left would open: the contacts' own keys, and what is sealed with the owner's. Then Postgres' own
# statistics, which had such things in them before migration 0017; who does not own the database has them passed over.
_TABLES = ("contacts", "imports", "kept_aside", "personas", "voice_examples", "pg_statistic")
_PATIENCE = 60.0  # seconds for whoever still reads what was
_POLL = 0.05  # seconds
# Others wait behind whoever waits for a table, so that is given up soon, and tried again.
_SHORTLY = "SET lock_timeout = '500ms'"
# For whom VACUUM FULL keeps deleted rows: whoever sees them; a writer, who sees nothing between two statements, and
# counts nevertheless; what is prepared; copies of the server. For an ordinary VACUUM nothing is kept.
_HELD_ON = """SELECT EXISTS (
  SELECT 1 FROM pg_stat_activity WHERE coalesce(datname, current_database()) = current_database()
    AND pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
    AND greatest(age(backend_xmin), age(backend_xid)) > age($1::text::xid)
  UNION ALL SELECT 1 FROM pg_prepared_xacts
    WHERE database = current_database() AND age(transaction) > age($1::text::xid)
  UNION ALL SELECT 1 FROM pg_replication_slots WHERE age(xmin) > age($1::text::xid))"""


async def rewrite_files(ledger: Ledger) -> None:
    """Have them hold nothing that was deleted before and that a key which is left opens.

    Raises StoreUnavailable while others may still read what was, or hold a table, and where a server of the owner's own
    forbids us to end its log of writes, which then goes in its own time.
    """
    async with ledger.apart() as connection:
        await connection.execute(_SHORTLY)
        try:
            async with asyncio.timeout(_PATIENCE):
                await _outlive_readers(connection)
                for table in _TABLES:
                    await _rewrite(connection, table)
        except TimeoutError as error:
            raise StoreUnavailable(
                "Somebody reads or writes the ledger for long, a backup for instance: forget again in a while."
            ) from error
        await _end_log(connection)


async def _outlive_readers(connection: asyncpg.Connection) -> None:
    """Wait for every transaction that began before now: what it still sees is kept for it."""
    begun = await connection.fetchval("SELECT pg_current_xact_id()::xid::text")
    while await connection.fetchval(_HELD_ON, begun):  # noqa: ASYNC110 - it happens in the server
        await asyncio.sleep(_POLL)


async def _rewrite(connection: asyncpg.Connection, table: str) -> None:
    while True:
        try:
            await connection.execute(f"VACUUM (FULL) {table}")
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_POLL)
        else:
            return


async def _end_log(connection: asyncpg.Connection) -> None:
    """Begin the next piece of it, then be done with those before. Either alone lets them go sooner."""
    refused = False
    for step in ("SELECT pg_switch_wal()", "CHECKPOINT"):
        try:
            await connection.execute(step)
        except asyncpg.InsufficientPrivilegeError:
            refused = True
    if refused:
        raise StoreUnavailable(
            "Our role may not end Postgres' log of writes: grant it pg_checkpoint, and EXECUTE on pg_switch_wal(), "
            "or restart SecondMe where it brings Postgres along."
        )
