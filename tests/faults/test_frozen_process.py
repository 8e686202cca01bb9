"""A process that stood still finds that Postgres has ended its connections."""

import asyncio
from contextlib import suppress
from pathlib import Path
from threading import Thread

import asyncpg
import pytest

from secondme.domain.errors import StoreUnavailable
from secondme.embedded import Addresses
from tests.support.world import World

END = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""


async def _end_all(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(END)
    await connection.close()


@pytest.mark.parametrize("steps", range(3))
async def test_it_meets_a_store_that_does_not_answer(
    addresses: Addresses, template: str, tmp_path: Path, steps: int
) -> None:
    """Whatever asyncpg calls it, and however much of the end it has seen: nothing else is tried again."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        thread = Thread(target=asyncio.run, args=(_end_all(world.dsn),))
        thread.start()
        thread.join()  # meanwhile this loop stands still
        for _ in range(steps):
            await asyncio.sleep(0)
        with suppress(StoreUnavailable):
            async with world.ledger.light() as light:
                await light.fetchval("SELECT 1")
        with suppress(StoreUnavailable):
            async with world.ledger.transaction() as tx:
                await tx.fetchval("SELECT 1")
