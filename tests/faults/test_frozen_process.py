"""A process that stands still for a while finds its connections ended by Postgres."""

import asyncio
import time

import pytest

from secondme.domain.errors import StoreUnavailable
from tests.support.world import World


async def test_what_it_goes_on_with_is_a_store_that_does_not_answer(world: World) -> None:
    """Whatever asyncpg calls it: loops try again after StoreUnavailable, and after nothing else."""
    with pytest.raises(StoreUnavailable):
        async with world.ledger.transaction() as tx:
            await tx.execute("SELECT 1")
            time.sleep(1.5)  # longer than Postgres lets a transaction stand idle
            for _ in range(3):
                await asyncio.sleep(0)  # the farewell has been read, the end of the connection not yet
            await tx.execute("SELECT 1")
