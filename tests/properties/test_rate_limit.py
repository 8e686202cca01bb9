"""The rate limit: a sliding minute that counts each message once; what it does differs by profile."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from secondme.domain.message import Inbound, Kind, Message
from secondme.domain.pause import PauseReason
from secondme.domain.profile import Account, Profile
from secondme.domain.turn import Contact, Turn
from secondme.embedded import Addresses
from secondme.pipeline.judge import judge
from secondme.profiles.clone import CLONE
from secondme.profiles.journal import JOURNAL
from secondme.profiles.support import SUPPORT
from tests.support.world import World

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def judged(profile: Profile, counts: Sequence[int], waited: timedelta = SECOND) -> Turn:
    messages = tuple(
        Message(uuid4(), Kind.TEXT, "hi", NOON, NOON, place, count) for place, count in enumerate(counts)
    )
    turn = Turn(
        id=uuid4(),
        account=Account("main", "simulator", profile),
        conversation_id=uuid4(),
        identity_id=uuid4(),
        token=uuid4(),
        attempts=0,
        now=NOON + waited,
        contact=Contact(uuid4(), None, True, "friend", None),
        messages=messages,
    )
    return judge(turn, None)


def test_the_tenth_is_answered_and_the_eleventh_pauses() -> None:
    tenth, eleventh = judged(CLONE, [9, 10]), judged(CLONE, [10, 11])
    assert tenth.answers
    assert tenth.verdict is not None
    assert tenth.verdict.pause is None
    assert not eleventh.answers
    assert eleventh.verdict is not None
    assert eleventh.verdict.pause == (PauseReason.RATE_LIMIT, timedelta(minutes=60))
    assert len(eleventh.silenced) == 2


def test_off_means_off() -> None:
    assert judged(replace(CLONE, rate_limit=0), [10_000]).answers
    assert judged(JOURNAL, [10_000]).answers


@pytest.mark.parametrize(("waited", "answered"), [(0, False), (59.9, False), (60, True), (61, True)])
def test_a_desk_holds_until_the_minute_has_room_again(waited: float, answered: bool) -> None:
    turn = judged(SUPPORT, [1, 11], waited * SECOND)
    assert turn.answers is answered
    assert turn.verdict is not None
    assert turn.verdict.pause is None
    assert turn.verdict.hold_until == (None if answered else NOON + 60 * SECOND)
    assert turn.silenced == ()


@pytest_asyncio.fixture
async def still(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """A desk whose loops stand still: it answers when a test says so."""
    desk = replace(SUPPORT, rate_limit=0, debounce=timedelta(0))
    async with World.open(addresses, template, tmp_path, profiles={"main": desk}, run=False) as world:
        yield world


def item(world: World, provider_id: str) -> Inbound:
    return Inbound("main", "+15550100", "Ana", provider_id, Kind.TEXT, "hi", world.clock.now())


@pytest.mark.parametrize("seed", range(4))
async def test_the_minute_slides(still: World, seed: int) -> None:
    """Over gaps just within and just beyond a minute, groups that share a moment, and redeliveries."""
    random, times, expected = Random(seed), list[datetime](), list[int]()
    known: list[str] = []
    for _ in range(random.randint(10, 20)):
        still.clock.jump(random.choice([0, 0, 0, 1, 5, 20, 59, 61, 300]) * SECOND)
        fresh = [f"p-{uuid4()}" for _ in range(random.choice([1, 1, 3]))]
        again = random.sample(known, min(len(known), random.choice([0, 0, 2])))
        arrived = still.clock.now()
        accepted = await still.inbox.accept(
            [item(still, one) for one in random.sample(again, len(again)) + fresh]
        )
        assert [one.new for one in accepted] == [False] * len(again) + [True] * len(fresh)
        for _ in fresh:
            times.append(arrived)
            expected.append(sum(at > arrived - 60 * SECOND for at in times))
        known += fresh
    await still.turns.claim_once()
    await still.until("SELECT NOT EXISTS (SELECT 1 FROM messages WHERE turn_id IS NULL)")
    counts = [m.recent_count for m in sorted(still.mind.asked[0].messages, key=lambda m: m.seq)]
    assert counts == expected


async def says(world: World, times: int, account: str = "main") -> None:
    for _ in range(times):
        await world.says("hi", account=account)


async def test_a_message_delivered_again_and_again_counts_once(world: World) -> None:
    for number in range(10):
        for _ in range(4):
            await world.says("hi", id=f"p-{number}")
    await world.settled()
    assert await world.receipts() == [("replied", "contact.enabled")] * 10


async def test_reactions_and_edits_do_not_count(world: World) -> None:
    await world.says("hi", id="a")
    for number in range(20):
        kind = Kind.REACTION if number % 2 else Kind.EDIT
        await world.says("hi", kind=kind, target="a")
    await world.says("and again")
    await world.settled()
    assert (await world.receipts())[-1] == ("replied", "contact.enabled")


async def test_ten_a_minute_are_answered_for_ever(world: World) -> None:
    for _ in range(3):
        await says(world, 10)
        await world.settled()
        world.clock.jump(61 * SECOND)
    assert len(world.phones.texts()) == 30


async def test_what_was_answered_within_the_minute_counts(world: World) -> None:
    await says(world, 10)
    await world.settled()
    world.clock.jump(55 * SECOND)
    await says(world, 1)
    await world.settled()
    assert (await world.receipts())[-1] == ("silent", "rate.limit")


async def test_its_pause_lasts_an_hour_whatever_shorter_one_comes_after(world: World) -> None:
    await says(world, 11)
    await world.settled()
    await world.switch.press(await world.contact(), timedelta(minutes=10))
    for minutes in (30, 29):
        world.clock.jump(timedelta(minutes=minutes))
        await says(world, 1)
        await world.settled()
    world.clock.jump(timedelta(minutes=2))
    await says(world, 1)
    await world.settled()
    assert [rule for _, rule in (await world.receipts())[-3:]] == ["contact.paused"] * 2 + ["contact.enabled"]


async def test_it_never_shortens_a_longer_pause(world: World) -> None:
    """The owner pauses for five hours while a Turn that is about to pause for one is on its way."""
    await says(world, 11)
    contact = await world.contact()
    async with world.ledger.transaction() as tx:
        await tx.execute(
            """INSERT INTO pauses (id, user_id, reason, since, until) VALUES ($1, $2, 'manual', $3, $4)""",
            uuid4(),
            contact,
            world.clock.now() + timedelta(days=1),  # not yet seen by the judge
            world.clock.now() + timedelta(hours=5),
        )
    await world.settled()
    world.clock.jump(timedelta(hours=3))
    await says(world, 1)
    await world.settled()
    assert (await world.receipts())[-1] == ("silent", "contact.paused")


async def test_the_pause_is_told_and_the_count_is_mirrored(world: World, addresses: Addresses) -> None:
    redis = Redis.from_url(addresses.redis_url or "", decode_responses=True)
    listener = redis.pubsub(ignore_subscribe_messages=True)
    await listener.subscribe("events:pause")
    await says(world, 11)
    await world.settled()
    contact = await world.contact()
    told = None
    async with asyncio.timeout(5):
        while told is None:
            told = await listener.get_message(timeout=1)
    said = json.loads(told["data"])
    assert str(contact) in said.values()
    assert "rate_limit" in said.values()
    assert await redis.get(f"COUNTER:{contact}:msgs") == "11"
    assert 0 < await redis.ttl(f"COUNTER:{contact}:msgs") <= 60
    await listener.aclose()
    await redis.aclose()


async def test_a_desk_answers_everything_a_minute_later(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    desk = replace(SUPPORT, debounce=timedelta(milliseconds=100))
    async with World.open(addresses, template, tmp_path, profiles={"main": desk}) as world:
        await says(world, 12)
        await world.until("SELECT EXISTS (SELECT 1 FROM turns WHERE rule = 'rate.throttled')")
        assert world.phones.texts() == []
        world.clock.jump(61 * SECOND)
        await world.settled()
        assert len(world.phones.texts()) == 12
        assert await world.value("SELECT count(*) FROM pauses") == 0


async def test_a_journal_acknowledges_everything(world: World) -> None:
    await says(world, 25, account="journal")
    await world.settled(20)
    assert len(world.phones.texts()) == 25
