"""A stop is never lost: not on its way into the ledger, not under a resume that began before it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from secondme.domain.errors import StoreUnavailable
from secondme.embedded import Addresses
from secondme.pipeline.held import hold_press
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


def _meanwhile(world: World, patch: pytest.MonkeyPatch, what: Callable[[], Awaitable[object]]) -> None:
    """`what` happens once, after a resume has ended what waits and before it lifts."""
    end_waiting = world.switch._end_waiting
    happened: list[bool] = []

    async def slow(contact: UUID | None, now: datetime) -> int:
        ended = await end_waiting(contact, now)
        if not happened:
            happened.append(True)
            world.clock.jump(timedelta(seconds=1))
            await what()
            world.clock.jump(timedelta(seconds=1))
        return ended

    patch.setattr(world.switch, "_end_waiting", slow)


async def test_a_resume_does_not_lift_what_began_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.switch.press()
    _meanwhile(world, monkeypatch, world.switch.press)
    assert await world.switch.resume() == 1
    assert await world.switch.held()
    await world.says("and now?")
    await world.settled()
    assert world.phones.got == []
    assert await world.switch.resume() == 1
    assert not await world.switch.held()


async def test_nor_the_pause_that_the_owners_word_began_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.says("hi")
    await world.settled()
    contact = await world.contact()
    await world.switch.press(contact)
    _meanwhile(world, monkeypatch, lambda: world.says("I am on it myself", from_me=True))
    assert await world.switch.resume(contact) == 1
    await world.says("and now?")
    await world.settled()
    assert len(world.phones.texts()) == 1
    assert (
        await world.value("SELECT count(*) FROM pauses WHERE lifted_at IS NULL AND reason = 'owner_word'")
        == 1
    )


async def test_what_comes_while_a_resume_runs_has_met_the_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.switch.press()
    _meanwhile(world, monkeypatch, lambda: world.says("while it runs"))
    await world.switch.resume()
    await world.settled()
    assert world.phones.got == []
    assert await world.receipts() == [("silent", "switch.pressed")]


async def test_a_stop_outlives_a_resume_that_lies_in_the_future(still: World) -> None:
    """The clock was ahead when everything was resumed, and has been set right since."""
    still.clock.jump(timedelta(hours=1))
    await still.switch.press()
    await still.switch.resume()
    still.clock.jump(-timedelta(hours=1))
    await hold_press(still.folder / "held-press.json", None, still.clock.now())
    assert await still.switch.held()
    still.clock.jump(timedelta(minutes=61))
    assert await still.value("SELECT count(*) FROM pauses WHERE lifted_at IS NULL") == 1


async def test_a_full_disk_is_no_reason_to_break_off(still: World) -> None:
    """What Redis holds is held; where nothing does, that is said."""
    in_the_way = still.folder / "no-folder"
    in_the_way.write_text("")
    now = still.clock.now()
    with pytest.raises(StoreUnavailable, match="NOTHING IS STOPPED"):
        await hold_press(in_the_way / "held-press.json", None, now)
    assert await hold_press(in_the_way / "held-press.json", still.signals, now) >= now
    assert await still.switch.held()
