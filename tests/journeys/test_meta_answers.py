"""The making of an answer over Meta's API: how often a mind is asked, what it knows, and how its words leave."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from secondme.domain.errors import MindFailed
from secondme.pipeline.compose import MAX_TEXT
from secondme.profiles import PROFILES
from tests.journeys.conftest import Journey, Open

DUE = "SELECT due_at FROM conversations WHERE lease_token IS NULL AND attempts = $1"
MILLISECOND = timedelta(milliseconds=1)
LONG = " ".join(f"{number:05d}" for number in range(1700))  # 10,199 characters, no word of it twice


async def _waits(told: Journey, attempts: int) -> timedelta:
    """Wait until the mind has failed so often; returns how long the conversation is then left alone."""
    deadline = time.monotonic() + 20
    while (due := await told.world.value(DUE, attempts)) is None:
        assert time.monotonic() < deadline, f"asked {len(told.mind.asked)} times"
        await asyncio.sleep(0.02)
    assert len(told.mind.asked) == attempts
    wait: timedelta = due - told.world.clock.now()
    return wait


@pytest.mark.parametrize(
    ("again_in", "first", "second"),
    [(0, (2, 2), (8, 8)), (5, (5, 6), (8, 8)), (20, (20, 24), (20, 24)), (3600, (60, 72), (60, 72))],
)
async def test_a_failing_mind_is_left_alone_for_longer_each_time(
    journey: Open, again_in: float, first: tuple[int, int], second: tuple[int, int]
) -> None:
    """2 s, then 8 s, or what the mind itself asked for and up to a fifth more, but a minute at most."""
    async with journey("clone", still=True) as told:
        told.mind.fails = MindFailed("nobody home")
        told.mind.fails.again_in = again_in
        await told.meta.says("hello")
        for attempts, (least, most) in ((1, first), (2, second)):
            wait = await _waits(told, attempts)
            assert timedelta(seconds=least) <= wait <= timedelta(seconds=most)
            told.world.clock.jump(wait - MILLISECOND)
            await told.quiet()
            assert len(told.mind.asked) == attempts, "asked before its time"
            told.world.clock.jump(2 * MILLISECOND)
        await told.settled(20)
        assert len(told.mind.asked) == 3
        assert await told.receipts() == [("failed", "mind.failed")]


@pytest.mark.parametrize(("profile", "recalls"), [("journal", 10), ("support", 20)])
async def test_a_mind_knows_the_last_messages_and_what_was_said_to_them(
    journey: Open, profile: str, recalls: int
) -> None:
    """As many as the profile recalls, both sides, oldest first, and no more."""
    assert PROFILES[profile].recalls == recalls
    async with journey(profile, rate_limit=0) as told:
        for number in range(recalls + 2):
            await told.meta.says(f"n{number}")
            await told.settled(20)
        await told.meta.says("and now")
        await told.settled(20)
        known = [(line.from_contact, line.text) for line in told.mind.asked[-1].window]
        said = [line for n in range(recalls + 2) for line in ((True, f"n{n}"), (False, f"re: n{n}"))]
        assert known == said[-2 * recalls :]


@pytest.mark.parametrize(("profile", "late"), [("clone", False), ("journal", False), ("journal", True)])
async def test_a_long_answer_leaves_in_pieces_and_the_first_may_quote(
    journey: Open, profile: str, late: bool
) -> None:
    async with journey(profile, still=True) as told:
        told.mind.words = LONG
        told.mind.hold()
        asked = await told.meta.says("tell me everything")
        await told.mind.at_work()
        told.world.clock.jump(timedelta(seconds=11 if late else 0))
        told.mind.may.set()
        await told.settled(20)
        sends = await told.meta.sends()
        texts = [line["body"]["text"] for line in sends]
        assert [line["taken"] for line in sends] == [True] * 3
        assert all(len(text) <= MAX_TEXT == 4096 for text in texts)
        assert " ".join(texts) == LONG
        assert [line["body"]["quotes"] for line in sends] == [asked if late else None, None, None]
        assert await told.receipts() == [("replied", "contact.enabled")]


async def test_a_long_answer_to_what_came_late_quotes_it_once(journey: Open) -> None:
    """Here the Turn itself was overtaken: somebody was answered before the older message came."""
    async with journey("clone") as told:
        now = told.world.clock.now().timestamp()
        await told.meta.says("newer", at=now)
        await told.settled(20)
        told.mind.words = LONG
        late = await told.meta.says("older", at=now - 60)
        await told.settled(20)
        sends = (await told.meta.sends())[1:]
        assert " ".join(line["body"]["text"] for line in sends) == LONG
        assert [line["body"]["quotes"] for line in sends] == [late, None, None]


def _presence(line: dict[str, Any]) -> tuple[str, str]:
    """What the person saw of one request: (read or typing, the message) or (text, its words)."""
    body, meta = line["body"], line["meta"]
    if body["type"] == "text":
        return "text", body["text"]
    assert meta["status"] == "read"
    assert ("typing_indicator" in meta) is (body["type"] == "typing")
    return body["type"], meta["message_id"]


@pytest.mark.parametrize("profile", ["clone", "journal"])
async def test_one_sees_us_read_then_type_then_speak(journey: Open, profile: str) -> None:
    async with journey(profile, human=True) as told:
        other = await told.meta.says("hello", "15550100002")
        await told.settled(30)
        first = await told.meta.says("hi")
        await told.settled(30)
        seen = [_presence(line) for line in await told.meta.sends(None)]
        assert seen[:3] == [("read", other), ("typing", other), ("text", "re: hello")]
        assert seen[3:] == [("read", first), ("typing", first), ("text", "re: hi")]


async def test_a_burst_is_read_to_its_end_and_typed_at_one_by_one(journey: Open) -> None:
    soon = timedelta(milliseconds=150)
    async with journey("clone", human=True, debounce=soon, debounce_cap=timedelta(minutes=1)) as told:
        told.mind.hold()
        first = await told.meta.says("one")
        await told.mind.at_work()
        second = await told.meta.says("two")
        told.mind.may.set()
        await told.settled(40)
        assert [_presence(line) for line in await told.meta.sends(None)] == [
            ("read", second),
            ("typing", first),
            ("text", "re: one"),
            ("typing", second),
            ("text", "re: two"),
        ]


async def test_a_tick_that_came_too_fast_costs_nobody_the_answer(journey: Open) -> None:
    """131056: too many messages to this person. What speaks leaves all the same, once."""
    async with journey("clone", human=True) as told:
        await told.meta.fault(131056, only="read")
        first = await told.meta.says("hi")
        await told.settled(40)
        lines = await told.meta.sends(None)
        assert not lines[0]["taken"]
        assert _presence(lines[0]) == ("read", first)
        assert await told.meta.texts() == ["re: hi"]
        assert await told.receipts() == [("replied", "contact.enabled")]
        assert len(told.mind.asked) == 1
