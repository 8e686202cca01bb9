"""Outages cost neither the message nor a mind call every two minutes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from secondme.domain.delivery import Outgoing
from secondme.domain.errors import ChannelDown, NotSent
from secondme.embedded import Addresses
from secondme.profiles import PROFILES
from secondme.stores.ledger import holding
from tests.support.world import World

# None while somebody is at work.
NEXT = """SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM deliveries WHERE status = 'in_flight')
    AND NOT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)
  THEN least((SELECT min(not_before) FROM deliveries WHERE status = 'planned'),
    (SELECT min(due_at) FROM conversations)) END"""
HELD = "SELECT due_at > created_at + interval '6 minutes' FROM conversations"
ENDED = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE direction = 'incoming' AND outcome IS NULL)"


async def _pass_time(world: World, enough: Callable[[], bool] = lambda: False, until: str = ENDED) -> None:
    """Let the clock run from one moment at which something is to be done to the next, until a question is true."""
    deadline = time.monotonic() + 40
    while not enough() and not await world.value(until):
        assert time.monotonic() < deadline, await world.receipts()
        moment: datetime | None = await world.value(NEXT)
        if moment is not None and moment > world.clock.now():
            world.clock.jump(moment - world.clock.now() + timedelta(milliseconds=1))
        world.turns._bell.ring()
        world.outbox._bell.ring()
        await asyncio.sleep(0.02)


async def test_an_outage_of_a_minute_loses_nothing(world: World) -> None:
    world.phones.fails = NotSent("connection refused")
    began = world.clock.now()
    await world.says("hi")
    await _pass_time(world, lambda: world.clock.now() - began > timedelta(minutes=1))
    world.phones.fails = None
    await _pass_time(world)
    assert world.phones.texts() == ["re: hi"]
    assert await world.receipts() == [("replied", "contact.enabled")]
    assert len(world.mind.asked) == 1


@pytest.mark.parametrize(
    "error",
    [NotSent("connection refused"), NotSent("slow down", timedelta(seconds=6)), ChannelDown("expired")],
)
async def test_what_never_left_ends_as_such_when_nobody_waits_any_more(world: World, error: NotSent) -> None:
    world.phones.fails = error
    began = world.clock.now()
    await world.says("hi")
    await _pass_time(world)
    assert await world.receipts() == [("failed", "outbox.unreachable")]
    assert timedelta(minutes=55) < world.clock.now() - began < timedelta(minutes=65)
    assert 3 < len(world.mind.asked) < 13


async def test_an_outage_of_half_an_hour_loses_nothing(world: World) -> None:
    world.phones.fails = NotSent("connection refused")
    began = world.clock.now()
    await world.says("hi")
    await _pass_time(world, lambda: world.clock.now() - began > timedelta(minutes=30))
    world.phones.fails = None
    await _pass_time(world)
    assert world.phones.texts() == ["re: hi"]
    assert world.clock.now() - began < timedelta(minutes=40)


async def test_a_mouth_that_is_away_costs_some_twenty_asks_a_day(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    quick = replace(PROFILES["support"], debounce=timedelta(0), debounce_cap=timedelta(0))
    async with World.open(addresses, template, tmp_path, profiles={"main": quick}, run=False) as world:
        patience = {"main": quick.answer_within}
        began = world.clock.now()
        await world.says("hi")
        while not await world.value(ENDED):
            await world.turns.claim_once()
            await asyncio.gather(*world.turns._running.values())
            world.clock.jump(timedelta(minutes=2, seconds=1))
            async with world.ledger.transaction() as tx:
                await holding.expire_plans(tx, patience, world.clock.now())
            if (due := await world.value(NEXT)) and due > world.clock.now():
                world.clock.jump(due - world.clock.now())
        assert world.clock.now() - began > timedelta(hours=23)
        assert 10 < len(world.mind.asked) < 26


async def test_what_leaves_at_last_wakes_the_others(world: World) -> None:
    world.phones.fails = NotSent("connection refused")
    await world.says("first")
    await _pass_time(world, until=HELD)
    world.phones.fails = None
    await world.says("hi", "+15550199")
    await world.settled()
    assert sorted(world.phones.texts()) == ["re: first", "re: hi"]


async def test_a_provider_that_hangs_takes_no_place_of_another_accounts(world: World) -> None:
    """Two hundred leave at once: of those, one account has never all."""
    goes_on = asyncio.Event()

    async def hang(outgoing: Outgoing) -> None:
        if outgoing.account_id == "main":
            await goes_on.wait()

    world.phones.before = hang
    await asyncio.gather(*(world.says("hi", f"+1555011{number:04}") for number in range(250)))
    await world.until("SELECT count(*) >= 180 FROM deliveries WHERE status = 'in_flight'")
    await world.says("hello", account="journal")
    await world.until(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = 'journal' AND outcome = 'replied')", 2
    )
    goes_on.set()
    await world.settled(20)
