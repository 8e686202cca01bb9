"""A ledger of their own for the properties that drive the whole product."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import time_machine

from secondme.embedded import Addresses
from secondme.settings import Settings
from tests.properties.bench import Bench
from tests.properties.product import settings_for
from tests.support.world import drop_database, with_database


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
def options(addresses: Addresses, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a clone whose database nobody else uses."""
    server, name = addresses.database_url or "", f"t_{uuid4().hex}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield settings_for(
        with_database(server, name), addresses.redis_url or "", addresses.falkordb_url or "", tmp_path
    )
    asyncio.run(drop_database(server, name))


@pytest.fixture
def bench(options: Settings) -> Iterator[Bench]:
    """A running product under a clock that only this test moves."""
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        made = Bench(options, clock)
        yield made
        made.close()
