"""Meta fails again and again: it is left alone, and no message is lost or doubled by that."""

from collections.abc import Callable
from datetime import timedelta
from zlib import crc32

import pytest

from secondme.domain.breaker import FAILURES, REST, State
from tests.journeys.conftest import Journey, Open
from tests.llm.asking import HandClock

LATER = ["later 0", "later 1", "later 2"]
PUT_OFF = """SELECT count(*) = {} FROM deliveries
             WHERE status = 'planned' AND attempts = 0 AND error LIKE '%left alone%'"""


def watched(told: Journey) -> tuple[HandClock, Callable[[], State]]:
    """The breaker of the channel, with a clock that stands."""
    told.channel.gate.clock = clock = HandClock()
    return clock, told.channel.gate.state


async def say(told: Journey, *texts: str) -> None:
    """Each from a person of their own, who waits for nobody."""
    for text in texts:
        await told.meta.says(text, who=f"1555010{crc32(text.encode()) % 9000 + 1000}")


async def fail(told: Journey, fault: str, times: int) -> None:
    await told.meta.control(faults=[{"fault": fault, "times": times}])
    await say(told, *(f"{fault} {number}" for number in range(times)))
    await told.tried(times)


async def test_it_opens_lets_one_through_and_closes(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        clock, state = watched(told)
        await fail(told, "500", FAILURES - 1)
        await say(told, "between")
        await told.world.until("SELECT count(*) = 1 FROM messages WHERE outcome = 'replied'")
        assert state() is State.CLOSED, "not in a row"
        await fail(told, "500", FAILURES)
        await told.world.until(
            f"SELECT count(*) = {2 * FAILURES - 1} FROM messages WHERE outcome = 'uncertain'"
        )
        assert state() is State.OPEN
        sent = len(await told.meta.sends(None))
        await say(told, *LATER)
        await told.world.until(PUT_OFF.format(3))
        assert len(await told.meta.sends(None)) == sent, "it is left alone"

        await told.meta.fault("slow", seconds=1.0)
        clock.seconds += REST
        told.world.clock.jump(timedelta(seconds=REST))
        await told.tried(2 * FAILURES + 1)
        await told.world.until(PUT_OFF.format(2))
        assert len(await told.meta.sends(None)) == sent + 1, "one probe, and the others wait for its answer"
        await told.world.until("SELECT count(*) = 2 FROM messages WHERE outcome = 'replied'")
        assert state() is State.CLOSED
        told.world.clock.jump(timedelta(seconds=3))
        await told.settled()
        texts = await told.meta.texts()
        assert sorted(texts) == sorted(f"re: {text}" for text in ("between", *LATER))


async def test_a_probe_that_fails_leaves_it_alone_again(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        clock, state = watched(told)
        await fail(told, "500", FAILURES)
        await say(told, *LATER)
        await told.world.until(PUT_OFF.format(3))
        await told.meta.fault("500")
        clock.seconds += REST
        told.world.clock.jump(timedelta(seconds=REST))
        await told.tried(FAILURES + 1)
        await told.world.until("SELECT count(*) = 2 FROM deliveries WHERE status = 'planned'")
        assert state() is State.OPEN
        clock.seconds += REST
        told.world.clock.jump(timedelta(seconds=REST))
        await told.tried(FAILURES + 2)
        told.world.clock.jump(timedelta(seconds=3))
        await told.settled()
        assert len(await told.meta.texts()) == 2
        assert len(await told.meta.sends()) == FAILURES + 3


@pytest.mark.parametrize("fault", ["close", "half", "garbage", "131000"])
async def test_whatever_is_no_answer_of_its_own_is_held_against_it(journey: Open, fault: str) -> None:
    async with journey("journal", still=True) as told:
        _, state = watched(told)
        await fail(told, fault, FAILURES)
        await told.world.until(f"SELECT count(*) = {FAILURES} FROM messages WHERE outcome = 'uncertain'")
        assert state() is State.OPEN


@pytest.mark.parametrize(
    ("code", "http"),
    [("190", 400), ("130429", 400), ("131056", 400), ("131026", 400), ("100", 400), ("3", 500)],
)
async def test_what_it_refuses_is_not_held_against_it(journey: Open, code: str, http: int) -> None:
    """Else a wrong token, a limit or a number that nobody has would silence it for everybody."""
    async with journey("journal", still=True) as told:
        _, state = watched(told)
        await told.meta.control(faults=[{"fault": code, "times": 2 * FAILURES, "http": http}])
        await say(told, *(f"{code} {number}" for number in range(2 * FAILURES)))
        await told.tried(2 * FAILURES)
        await told.world.until("SELECT NOT EXISTS (SELECT 1 FROM deliveries WHERE status = 'in_flight')")
        assert state() is State.CLOSED
