"""The contextual rule on Meta's wire: `context.message_id` when the talk has moved on as the answer goes in flight."""

from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.conftest import Journey, Open

MICROSECOND = timedelta(microseconds=1)
TEN = timedelta(seconds=10)


@pytest.mark.parametrize("profile", ["journal", "support"])
@pytest.mark.parametrize(("waited", "quoted"), [(TEN, False), (TEN + MICROSECOND, True)])
async def test_older_than_ten_seconds(journey: Open, profile: str, waited: timedelta, quoted: bool) -> None:
    async with journey(profile, still=True) as told:
        told.mind.hold()
        first = await told.meta.says("hello")
        await told.mind.at_work()
        told.world.clock.jump(waited)
        told.mind.may.set()
        await told.settled()
        assert await told.contexts() == {"re: hello": first if quoted else None}


@pytest.mark.parametrize("profile", ["journal", "support"])
async def test_how_old_is_asked_when_the_row_goes_in_flight(journey: Open, profile: str) -> None:
    """Not when it was planned: Meta asks to wait, and meanwhile ten seconds pass."""
    async with journey(profile, still=True) as told:
        await told.meta.fault(131016, http=400)  # wait for 30 s
        first = await told.meta.says("hello")
        refused, *_ = await told.tried(1)
        assert "context" not in refused["meta"]
        await _planned(told)
        told.world.clock.jump(timedelta(seconds=31))
        await told.settled()
        assert await told.contexts() == {"re: hello": first}


@pytest.mark.parametrize(("after", "quoted"), [(1, False), (2, True)])
async def test_more_than_one_message_after_it_in_the_journal(journey: Open, after: int, quoted: bool) -> None:
    async with journey("journal", still=True) as told:
        told.mind.hold()
        first = await told.meta.says("hello")
        await told.mind.at_work()
        for number in range(after):
            await told.meta.says(f"and {number}")
        told.mind.may.set()
        await told.settled()
        assert (await told.contexts())["re: hello"] == (first if quoted else None)
        assert (await told.contexts())[f"re: and {after - 1}"] is None


@pytest.mark.parametrize(("burst", "quoted"), [(2, False), (3, True)])
async def test_more_than_one_message_after_it_in_a_burst(journey: Open, burst: int, quoted: bool) -> None:
    second = timedelta(seconds=1)
    async with journey("support", still=True, debounce=second, debounce_cap=5 * second) as told:
        ids = [await told.meta.says(f"n{number}") for number in range(burst)]
        told.world.clock.jump(second)
        await told.settled()
        contexts = await told.contexts()
        assert contexts["re: n0"] == (ids[0] if quoted else None)
        assert contexts[f"re: n{burst - 1}"] is None


OTHERS: dict[str, Any] = {"quote_after": timedelta(seconds=40), "quote_behind": 3}


@pytest.mark.parametrize(
    ("waited", "quoted"), [(timedelta(seconds=40), False), (timedelta(seconds=40) + MICROSECOND, True)]
)
async def test_how_old_is_a_setting(journey: Open, waited: timedelta, quoted: bool) -> None:
    async with journey("journal", still=True, **OTHERS) as told:
        told.mind.hold()
        first = await told.meta.says("hello")
        await told.mind.at_work()
        told.world.clock.jump(waited)
        told.mind.may.set()
        await told.settled()
        assert await told.contexts() == {"re: hello": first if quoted else None}


@pytest.mark.parametrize(
    ("behind", "after", "quoted"), [(3, 3, False), (3, 4, True), (0, 0, False), (0, 1, True)]
)
async def test_how_many_came_after_it_is_a_setting(
    journey: Open, behind: int, after: int, quoted: bool
) -> None:
    async with journey("journal", still=True, quote_behind=behind) as told:
        told.mind.hold()
        first = await told.meta.says("hello")
        await told.mind.at_work()
        for number in range(after):
            await told.meta.says(f"and {number}")
        told.mind.may.set()
        await told.settled()
        assert (await told.contexts())["re: hello"] == (first if quoted else None)


async def test_how_old_is_reckoned_from_arrival(journey: Open) -> None:
    """What Meta delivers an hour after it was written is still the last thing that was said."""
    async with journey("journal", still=True) as told:
        written = told.world.clock.now() - timedelta(hours=1)
        await told.meta.says("hello", at=int(written.timestamp()))
        await told.settled()
        assert await told.contexts() == {"re: hello": None}


async def test_reactions_edits_and_deletions_do_not_count(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        told.mind.hold()
        await told.meta.says("hello")
        await told.mind.at_work()
        for kind in ("reaction", "edit", "revoke"):
            await told.meta.sent({"kind": kind, "from": "15550100001", "of": "wamid.OTHER", "text": "x"})
        told.mind.may.set()
        await told.settled()
        assert await told.contexts() == {"re: hello": None}


async def test_the_clone_does_not_quote_because_time_passed(journey: Open) -> None:
    async with journey("clone", still=True) as told:
        told.mind.hold()
        await told.meta.says("hello")
        await told.mind.at_work()
        told.world.clock.jump(timedelta(seconds=11))
        told.mind.may.set()
        await told.settled()
        assert await told.contexts() == {"re: hello": None}


async def _planned(told: Journey) -> None:
    await told.world.until(
        "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned' AND attempts > 0)"
    )
