"""The migrated schema is the one that tables.py describes; a newer one is left alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.embedded import Addresses
from secondme.stores.ledger import migrate
from secondme.stores.ledger.tables import metadata
from tests.support.world import drop_database, with_database


@pytest_asyncio.fixture
async def empty(addresses: Addresses) -> AsyncIterator[str]:
    """An empty database of its own."""
    server, name = addresses.database_url or "", f"migrations_{uuid4().hex}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    yield with_database(server, name)
    await drop_database(server, name)


async def ask(dsn: str, question: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def differences(dsn: str) -> list[Any]:
    def compare(connection: Any) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        found = await connection.run_sync(compare)
    await engine.dispose()
    return found


async def migrated_to(dsn: str, revision: str) -> None:
    """An older schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))

    def work(connection: Any) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(work)
    await engine.dispose()


async def test_the_migrated_schema_is_that_of_the_tables(empty: str) -> None:
    assert len(await differences(empty)) > 20
    await migrate.migrate(empty)
    assert await differences(empty) == []


async def test_upgrading_twice_does_nothing(empty: str) -> None:
    assert await migrate.current(empty) is None
    assert await migrate.migrate(empty)
    assert await migrate.current(empty) == migrate.newest()
    connection = await asyncpg.connect(empty)
    await connection.execute("INSERT INTO settings (key, value) VALUES ('kept', '1')")
    await connection.close()
    assert not await migrate.migrate(empty)
    assert await ask(empty, "SELECT count(*) FROM settings") == 1


async def test_two_starting_at_once_migrate_once(empty: str) -> None:
    async with asyncio.timeout(30):
        await asyncio.gather(*(migrate.migrate(empty) for _ in range(3)))
    assert await ask(empty, "SELECT count(*) FROM alembic_version") == 1
    assert await differences(empty) == []


async def test_a_newer_ledger_is_refused_untouched(empty: str) -> None:
    await migrate.migrate(empty)
    await ask(empty, "UPDATE alembic_version SET version_num = '9999' RETURNING 1")
    with pytest.raises(ConfigError, match=r"9999.*install the newer SecondMe"):
        await migrate.migrate(empty)
    assert await migrate.current(empty) == "9999"


async def test_a_reset_is_an_empty_ledger_of_today(empty: str) -> None:
    await migrate.migrate(empty)
    await ask(empty, "INSERT INTO settings (key, value) VALUES ('gone', '1') RETURNING 1")
    await migrate.reset(empty)
    assert await ask(empty, "SELECT count(*) FROM settings") == 0
    assert await differences(empty) == []


async def test_a_wrong_address_is_said_and_not_shown(empty: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL must look like"):
        await migrate.reset("mysql://a:CANARY@b/c")
    with pytest.raises(StoreUnavailable, match="DATABASE_URL") as refused:
        await migrate.current(with_database(empty, "CANARY-absent"))
    assert "CANARY" not in str(refused.value)


async def test_statistics_of_keys_from_before_go(empty: str) -> None:
    """They would outlive the contacts; those that nobody opens anything with stay, and so does the table."""
    known = "SELECT array_agg(attname::text ORDER BY attname) FROM pg_stats WHERE tablename = 'contacts'"
    place = "SELECT pg_relation_filepath('contacts')"
    await migrated_to(empty, "0013")
    row = "gen_random_uuid(), now() + n * interval '1 s', sha256(n::text::bytea)"
    await ask(
        empty, f"INSERT INTO contacts (id, created_at, key) SELECT {row} FROM generate_series(1, 300) AS n"
    )
    await ask(empty, "ANALYZE")
    before, there = await ask(empty, known), await ask(empty, place)
    assert {"created_at", "key"} < set(before)
    await migrate.migrate(empty)
    assert await ask(empty, known) == [name for name in before if name != "key"]
    assert await ask(empty, place) == there
    await ask(empty, "ANALYZE")
    assert "key" not in await ask(empty, known)


@asynccontextmanager
async def backup(dsn: str) -> AsyncIterator[None]:
    """Somebody who holds every table against changes, and against them alone."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("LOCK TABLE contacts, accounts, messages IN ACCESS SHARE MODE")
            yield
    finally:
        await connection.close()


async def test_a_migration_stops_nobody_while_a_backup_runs(empty: str) -> None:
    """Whoever waits for a table has everybody wait behind them: it is given up soon, and tried again."""
    await migrated_to(empty, "0013")
    async with backup(empty):
        migrating = asyncio.create_task(migrate.migrate(empty))
        waiting = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock')"
        async with asyncio.timeout(10):
            while not await ask(empty, waiting):  # noqa: ASYNC110 - it happens in the server
                await asyncio.sleep(0.01)
            await ask(empty, "SELECT count(*) FROM contacts, accounts, messages")
        assert not migrating.done()
    assert await migrating
    assert await migrate.current(empty) == migrate.newest()


async def test_a_backup_that_takes_longer_is_said(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrated_to(empty, "0013")
    monkeypatch.setattr(migrate, "_PATIENCE", 0.1)
    async with backup(empty):
        with pytest.raises(StoreUnavailable, match="backup"):
            await migrate.migrate(empty)
    assert await migrate.current(empty) == "0013"
