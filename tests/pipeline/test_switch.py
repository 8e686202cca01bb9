"""A stop that was held beside the ledger is never lost on its way into it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest_asyncio

from secondme.embedded import Addresses
from secondme.pipeline.switch import hold_press
from tests.support.world import World

WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'pauses'::regclass AND NOT granted)"


@pytest_asyncio.fixture
async def still(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """Nothing runs that would adopt a held press."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        yield world


async def test_a_timed_stop_does_not_swallow_a_held_one(still: World) -> None:
    await hold_press(still.folder / "held-press.json", still.signals, still.clock.now())
    await still.switch.press(None, timedelta(minutes=30))
    still.clock.jump(timedelta(minutes=31))
    assert await still.switch.held()
    await still.switch.resume()
    assert not await still.switch.held()


async def test_nor_one_that_only_redis_held(still: World) -> None:
    await still.signals.press(still.clock.now())
    await asyncio.sleep(0.01)
    await still.switch.press(None, timedelta(minutes=30))
    still.clock.jump(timedelta(minutes=31))
    assert await still.switch.held()


async def test_a_timed_stop_that_is_over_is_not_adopted(still: World) -> None:
    await still.switch.press(None, timedelta(minutes=30))
    assert await still.switch.held()
    still.clock.jump(timedelta(minutes=31))
    assert not await still.switch.held()
    assert await still.value("SELECT count(*) FROM pauses") == 1


async def test_a_press_held_while_another_is_adopted_stays(still: World) -> None:
    """It was unlinked together with the one that had been read."""
    file = still.folder / "held-press.json"
    await hold_press(file, None, still.clock.now())
    other = await asyncpg.connect(still.dsn)
    async with other.transaction():
        await other.execute("LOCK TABLE pauses IN EXCLUSIVE MODE")
        adoption = asyncio.create_task(still.switch.held())
        await still.until(WAITS)
        await hold_press(file, None, still.clock.now())
    assert await adoption
    await other.close()
    assert await still.switch.held()
    assert await still.value("SELECT count(*) FROM pauses") == 2
    assert list(still.folder.glob("held-press*")) == []
