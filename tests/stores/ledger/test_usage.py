"""What minds used: added up by day, mind and contact, whoever asks at once, and gone with the contact."""

import asyncio
from datetime import date, timedelta

from secondme.ports import Spent
from secondme.stores.ledger import retention, usage
from secondme.stores.ledger.usage import LedgerUsage, MindsDay
from tests.support.world import World

TODAY = date(2026, 11, 20)


async def test_it_adds_up_by_day_mind_and_contact(world: World) -> None:
    await world.says("hi")
    ana, kept = await world.contact(), LedgerUsage(world.ledger)
    await kept.record(TODAY, [Spent("a", ana, 100, 60), Spent("a", ana, 7, failed=True), Spent("b", None, 5)])
    await kept.record(TODAY, [Spent("a", None, 1)])
    await kept.record(TODAY + timedelta(days=1), [Spent("a", ana, 1000)])
    assert await kept.used(TODAY, ana) == (113, 107)
    assert await kept.used(TODAY, None) == (113, 0)
    async with world.ledger.transaction() as tx:
        assert await usage.by_mind(tx, TODAY) == [MindsDay("a", 108, 60, 3, 1), MindsDay("b", 5, 0, 1, 0)]


async def test_nothing_is_lost_when_many_write_at_once(world: World) -> None:
    await world.says("hi")
    ana, kept = await world.contact(), LedgerUsage(world.ledger)
    spent = [Spent("a", None, 1), Spent("b", ana, 2), Spent("a", ana, 3)]
    await asyncio.gather(*(kept.record(TODAY, spent[n % 3 :] + spent[: n % 3]) for n in range(40)))
    assert await kept.used(TODAY, ana) == (240, 200)


async def test_a_forgotten_contacts_use_goes_and_later_use_counts_for_the_day_alone(world: World) -> None:
    await world.says("hi")
    await world.settled()
    ana, kept = await world.contact(), LedgerUsage(world.ledger)
    await kept.record(TODAY, [Spent("a", ana, 100)])
    async with world.ledger.transaction() as tx:
        await retention.forget(tx, world.ledger.vault, ana, [], world.clock.now())
    assert await kept.used(TODAY, ana) == (0, 0)
    await kept.record(TODAY, [Spent("a", ana, 10), Spent("a", None, 1)])
    assert await kept.used(TODAY, ana) == (11, 0)


async def test_a_month_is_kept(world: World) -> None:
    kept = LedgerUsage(world.ledger)
    for days in (0, 31, 32):
        await kept.record(TODAY - timedelta(days=days), [Spent("a", None, 1)])
    await LedgerUsage(world.ledger).record(TODAY, [Spent("a", None, 1)])
    assert await world.value("SELECT array_agg(day ORDER BY day) FROM spending") == [
        TODAY - timedelta(days=31),
        TODAY,
    ]
