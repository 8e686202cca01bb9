"""A press that the ledger cannot take is as final as one that it can."""

import asyncio
import json
import time

import asyncpg

from secondme.pipeline.held import hold_press, whole_ms, write_whole
from secondme.stores.ledger.deliveries import SWITCH_LOCK
from tests.support.world import World

WAITS = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


async def test_it_stops_a_delivery_that_waits_at_the_fence(world: World) -> None:
    """It looked for a press before there was one, and Postgres lets it go on after the press has returned."""
    fence, adoption = await asyncpg.connect(world.dsn), await asyncpg.connect(world.dsn)
    async with adoption.transaction():
        async with fence.transaction():
            await fence.execute("SELECT pg_advisory_xact_lock($1, 0)", SWITCH_LOCK)
            await world.says("hi")
            await world.until(WAITS)
            await adoption.execute("LOCK TABLE pauses IN EXCLUSIVE MODE")
            await hold_press(world.folder / "held-press.json", world.signals, world.clock.now())
        await asyncio.sleep(0.5)
    await fence.close()
    await adoption.close()
    assert world.phones.got == []
    await world.switch.resume()
    await world.settled()
    assert world.phones.got == []
    assert await world.receipts() == [("silent", "switch.pressed")]


async def test_it_stops_what_has_just_passed_the_fence(world: World) -> None:
    """Held on this machine alone, in the very moment in which the fence lets a delivery go."""
    fence, adoption = await asyncpg.connect(world.dsn), await asyncpg.connect(world.dsn)
    async with adoption.transaction():
        async with fence.transaction():
            await fence.execute("SELECT pg_advisory_xact_lock($1, 0)", SWITCH_LOCK)
            await world.says("hi")
            await world.until(WAITS)
            await adoption.execute("LOCK TABLE pauses IN EXCLUSIVE MODE")
            since = whole_ms(world.clock.now())
            write_whole(world.folder / "held-press.json", json.dumps({"since": since.timestamp()}))
        await asyncio.sleep(0.5)
        assert world.phones.got == []
    await fence.close()
    await adoption.close()
    await world.settled()
    assert world.phones.got == []


async def test_a_ledger_that_hangs_holds_nobody_up(world: World) -> None:
    """It takes the press when it comes round, and knows it for the one that was held meanwhile."""
    hanging = await asyncpg.connect(world.dsn)
    began = time.monotonic()
    async with hanging.transaction():
        await hanging.execute("LOCK TABLE pauses IN ACCESS EXCLUSIVE MODE")
        pressed = await world.switch.press()
    took = time.monotonic() - began
    await hanging.close()
    assert not pressed.committed
    assert took < 9  # one answer of a hanging ledger takes up to ten
    await world.says("hi")
    await world.settled()
    assert world.phones.got == []
    assert await world.receipts() == [("silent", "switch.pressed")]
    await world.until("SELECT count(*) = 1 FROM pauses")
    await world.switch.resume()
    assert not await world.switch.held()
    await world.says("are you there?")
    await world.settled()
    assert len(world.phones.texts()) == 1
