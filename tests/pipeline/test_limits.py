"""How fast an account may speak: what goes at once, what waits, and for how long."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondme.domain.delivery import DeliveryKind
from secondme.embedded import Addresses
from secondme.pipeline import outbox
from secondme.pipeline.limits import Limits, Pace, Rate, metas
from secondme.stores.ledger.deliveries import Ready
from tests.support.world import World

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ANA, BEN = uuid4(), uuid4()


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_one_contact_gets_a_burst_and_then_one_in_six_seconds() -> None:
    limits = Limits({"main": metas(80)})
    assert [limits.take("main", ANA, NOW) for _ in range(45)] == [None] * 45
    assert limits.take("main", ANA, NOW) == at(6)
    assert limits.take("main", BEN, NOW) is None, "another contact has their own"
    assert limits.take("main", ANA, at(5.9)) is not None
    assert limits.take("main", ANA, at(6)) is None
    assert limits.take("main", ANA, at(6.1)) == at(12)


def test_an_account_gets_eighty_a_second() -> None:
    limits = Limits({"main": metas(80)})
    went = sum(limits.take("main", uuid4(), NOW) is None for _ in range(100))
    assert went == 80
    assert sum(limits.take("main", uuid4(), at(1)) is None for _ in range(100)) == 80
    assert limits.take("other", ANA, NOW) is None, "an account without a pace is not limited"
    beside_the_app = Limits({"main": metas(20)})
    assert sum(beside_the_app.take("main", uuid4(), NOW) is None for _ in range(100)) == 20
    assert sum(beside_the_app.take("main", uuid4(), at(1)) is None for _ in range(100)) == 20


def test_what_waits_takes_nothing() -> None:
    limits = Limits({"main": Pace(Rate(1, 1), Rate(1, 1))})
    assert limits.take("main", ANA, NOW) is None
    assert limits.take("main", BEN, NOW) == at(1)
    assert limits.take("main", BEN, at(1)) is None


def test_a_clock_set_back_gives_nothing_away() -> None:
    limits = Limits({"main": Pace(Rate(1, 1), Rate(1, 1))})
    assert limits.take("main", ANA, NOW) is None
    assert limits.take("main", ANA, at(-3600)) == at(-3599)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 3), min_size=1, max_size=120))
def test_never_more_than_the_rate_allows(gaps: list[float]) -> None:
    limits, now, went = Limits({"main": Pace(Rate(1000, 1000), Rate(0.5, 4))}), NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        again = limits.take("main", ANA, now)
        assert again is None or again > now
        went += [now] if again is None else []
    for first in range(len(went)):
        for last in range(first, len(went)):
            seconds = (went[last] - went[first]).total_seconds()
            assert last - first + 1 <= 4 + 0.5 * seconds + 1e-6


def test_ticks_are_no_messages() -> None:
    limits = Limits({"main": Pace(Rate(1, 1), Rate(1, 1))})
    ids = [uuid4() for _ in range(5)]
    tick = Ready(ids[0], "main", ANA, ids[3], ids[4], 0, DeliveryKind.READ)
    first = Ready(ids[1], "main", ANA, ids[3], ids[4], 0)
    second = Ready(ids[2], "main", ANA, ids[3], ids[4], 0)
    assert limits.room([tick, first, tick, second], NOW) == [tick, first, tick]
    assert limits.waiting(NOW) == {ids[3]: at(1)}
    assert limits.waiting(at(1)) == {}


def test_templates_and_media_are_messages() -> None:
    limits = Limits({"main": Pace(account=Rate(80, 80), contact=Rate(1 / 6, 1))})
    ids = [uuid4() for _ in range(4)]
    template = Ready(ids[0], "main", ANA, ids[2], ids[3], 0, DeliveryKind.TEMPLATE)
    medium = Ready(ids[1], "main", ANA, ids[2], ids[3], 0, DeliveryKind.MEDIA)
    assert limits.room([template, medium], at(0)) == [template]
    assert limits.waiting(at(0)) == {ids[2]: at(6)}


def test_an_account_that_is_full_waits_as_one_and_no_clock_makes_it_longer() -> None:
    limits = Limits({"main": Pace(account=Rate(2, 1), contact=Rate(1 / 6, 45))})
    ids = [uuid4() for _ in range(6)]
    first, second = (
        Ready(ids[0], "main", ANA, ids[2], ids[3], 0),
        Ready(ids[1], "main", BEN, ids[4], ids[5], 0),
    )
    assert limits.room([first, second], NOW) == [first]
    assert limits.waiting(NOW) == {"main": at(0.5)}
    assert limits.waiting(at(-3600)) == {}, "the clock was set back"


async def test_who_has_no_room_holds_up_nobody_else(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    """Ten contacts over their pace stand first in the queue, and another contact and another account behind them."""
    limits = Limits({"main": Pace(account=Rate(80, 80), contact=Rate(1 / 60, 1))})
    async with World.open(addresses, template, tmp_path, limits=limits) as world:
        crowd = [f"+1555010{number:02}" for number in range(10)]
        for who in crowd:
            await world.says("one", who)
        await world.settled()
        for who in crowd:
            await world.says("two", who)
        await world.until("SELECT count(*) = 10 FROM deliveries WHERE status = 'planned'")
        await world.says("behind them", "+15550199")
        await world.says("elsewhere", crowd[0], account="journal")
        await world.until("SELECT count(*) = 12 FROM messages WHERE outcome = 'replied'", 3)
        assert sorted(world.phones.texts()[10:]) == ["re: behind them", "re: elsewhere"]
        world.clock.jump(timedelta(seconds=61))
        await world.settled()
        assert world.phones.texts().count("re: two") == 10


def test_what_is_given_back_is_there_again_and_no_more() -> None:
    limits = Limits({"main": Pace(Rate(1, 1), Rate(1, 1))})
    ids = [uuid4() for _ in range(3)]
    text = Ready(ids[0], "main", ANA, ids[1], ids[2], 0)
    for _ in range(3):
        assert limits.room([text], NOW) == [text]
        assert limits.room([text], NOW) == []
        limits.give_back(text)
        limits.give_back(text)
        assert limits.waiting(NOW) == {}
    limits.give_back(replace(text, account_id="other"))


@pytest.mark.parametrize("why", ["forbidden", "too late"])
async def test_what_the_fence_or_the_clock_holds_back_takes_no_room(
    addresses: Addresses, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    limits = Limits({"main": Pace(account=Rate(80, 80), contact=Rate(1 / 3600, 1))})
    async with World.open(addresses, template, tmp_path, limits=limits, run=False) as world:
        await _planned(world, "one")
        async with world.ledger.transaction() as tx:
            await tx.execute("UPDATE conversations SET enabled = $1", why != "forbidden")
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "WRITE_WITHIN", outbox.WRITE_WITHIN if why == "forbidden" else -1.0)
            await _send(world)
        assert world.phones.texts() == []
        async with world.ledger.transaction() as tx:
            await tx.execute("UPDATE conversations SET enabled = true")
        if why == "forbidden":
            await _planned(world, "two")
        world.clock.jump(timedelta(seconds=2))
        await _send(world)
        assert world.phones.texts() == ["re: two" if why == "forbidden" else "re: one"]


async def _planned(world: World, text: str) -> None:
    await world.says(text)
    world.clock.jump(timedelta(seconds=1))
    await world.turns.claim_once()
    await asyncio.gather(*world.turns._running.values())


async def _send(world: World) -> None:
    await world.outbox._start_ready()
    await asyncio.gather(*world.outbox._busy.values())
