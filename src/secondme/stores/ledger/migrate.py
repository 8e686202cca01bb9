"""Schema versions: up to the newest at start, reset on demand. Alembic is loaded only when there is work for it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg

from secondme.domain.errors import ConfigError, StoreUnavailable

_HERE = Path(__file__).parent / "migrations"
_PATIENCE = 60.0  # seconds for whoever holds a table
# Services wait behind whoever waits for a table: they get more time than we.
_SHORTLY = "SET LOCAL lock_timeout = '500ms'"
_PAUSE = 1.0  # seconds


def newest() -> str:
    """The newest revision that this version of the product knows."""
    return max(path.stem.split("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


async def current(dsn: str) -> str | None:
    """The revision of the ledger, None for an empty database. Raises StoreUnavailable."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise StoreUnavailable(
            f"Postgres does not answer at DATABASE_URL ({type(error).__name__})."
        ) from error
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
        return revision
    finally:
        await connection.close()


async def migrate(dsn: str) -> bool:
    """Bring the ledger to the newest schema. True when something was done.

    Raises ConfigError for a ledger written by a newer version, StoreUnavailable while others hold its tables.
    """
    found = await current(dsn)
    if found == newest():
        return False
    if found is not None and found > newest():
        raise ConfigError(
            f"The ledger has schema {found}, newer than this version's {newest()}: install the newer SecondMe."
        )
    await _run(dsn, "upgrade")
    return True


async def reset(dsn: str) -> None:
    """Drop everything and migrate anew. Raises StoreUnavailable while others hold its tables."""
    await _run(dsn, "reset")


async def _run(dsn: str, what: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine

    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))

    def work(connection: Any) -> None:
        config.attributes["connection"] = connection
        # Two processes that start together must not migrate at once.
        connection.execute(text("SELECT pg_advisory_xact_lock(7103001)"))
        connection.execute(text(_SHORTLY))
        if what == "reset":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        command.upgrade(config, "head")

    engine = create_async_engine(_sqlalchemy_url(dsn))
    until = time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                async with engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                _refuse_unless_locked(error, until)
            await asyncio.sleep(_PAUSE)
    finally:
        await engine.dispose()


def _refuse_unless_locked(error: Any, until: float) -> None:
    """Raises what is no lock of others, and StoreUnavailable after `until`, by the monotonic clock."""
    if not isinstance(error.orig.__cause__, asyncpg.LockNotAvailableError):
        raise error
    if time.monotonic() > until:
        raise StoreUnavailable(
            "Somebody reads or writes the ledger for long, a backup for instance: start again in a while."
        ) from error


def _sqlalchemy_url(dsn: str) -> str:
    scheme, _, rest = dsn.partition("://")
    if not rest or not scheme.startswith("postgres"):
        raise ConfigError("DATABASE_URL must look like postgresql://user:password@host:5432/database.")
    return f"postgresql+asyncpg://{rest}"
