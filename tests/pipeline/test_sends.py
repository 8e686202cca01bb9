"""What becomes of plans and parts when a send goes wrong, or the talk moves on while it is under way."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest

from secondme.domain.delivery import DeliveryKind, Outgoing, StatusUpdate
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain
from secondme.domain.message import Kind
from secondme.embedded import Addresses
from tests.support.mouth import new_mouth, silent_mouth
from tests.support.world import World

PLANNED = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned')"
IN_FLIGHT = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'in_flight')"
BACK = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned' AND attempts > 0)"


class Gate:
    """Holds a send on the wire until it is opened; `fails` is what it then ends with."""

    def __init__(self, world: World, fails: Exception | None = None, only: int | None = None) -> None:
        self._open = asyncio.Event()
        self._fails = fails
        self._only = only
        self._world = world
        self.passed = 0
        world.phones.before = self

    async def __call__(self, outgoing: Outgoing) -> None:
        if outgoing.kind is not DeliveryKind.TEXT:
            return
        self.passed += 1
        if self._only is not None and self.passed != self._only:
            return
        await self._open.wait()
        if self._fails is not None:
            raise self._fails

    def open(self) -> None:
        self._open.set()

    def away(self) -> None:
        """From now on nothing is held any more."""
        self._world.phones.before = None
        self._open.set()


async def test_an_account_that_hangs_leaves_places_for_the_others(world: World) -> None:
    flying = (
        "SELECT count(*) FROM deliveries WHERE account_id = 'main' AND kind = 'text' AND status = 'in_flight'"
    )
    hangs = asyncio.Event()

    async def before(outgoing: Outgoing) -> None:
        if outgoing.account_id == "main" and outgoing.kind is DeliveryKind.TEXT:
            await hangs.wait()

    world.phones.before, world.outbox._most = before, 2
    world.phones.answer_timeout = 60.0  # a slow machine must not make them uncertain meanwhile
    for number in range(
        4
    ):  # places are looked at before each group: one that is ready at once may be beyond them
        await world.says("hi", who=f"+1555010{number}")
        await world.until(f"SELECT count(*) = {number + 1} FROM turns", 30)
        await world.until(f"SELECT ({flying}) = {min(number + 1, 2)}", 30)
    await world.says("dear diary", who="+15550109", account="journal")
    await world.until("SELECT EXISTS (SELECT 1 FROM messages WHERE outcome = 'replied')", 30)
    assert await world.value(flying) == 2
    hangs.set()
    await world.settled(30)
    assert len(world.phones.texts()) == 5


async def test_a_plan_that_missed_its_moment_is_judged_again(world: World) -> None:
    await silent_mouth(world)
    await world.says("hi")
    await world.until(PLANNED)
    world.clock.jump(timedelta(hours=60))
    new_mouth(world)
    await world.settled()
    assert world.phones.texts() == []
    assert await world.receipts() == [("silent", "message.late")]


async def test_a_deletion_while_in_flight_is_not_answered_by_the_retry(world: World) -> None:
    gate = Gate(world, NotSent("no route"))
    await world.says("secret", id="a")
    await world.until(IN_FLIGHT)
    await world.says("", kind=Kind.DELETION, target="a")
    gate.away()
    await world.settled()
    await asyncio.sleep(1.5)
    assert world.phones.texts() == []
    assert (await world.receipts())[0] == ("silent", "message.deleted")


async def test_an_edit_while_in_flight_changes_what_the_retry_answers(world: World) -> None:
    gate = Gate(world, NotSent("no route"))
    await world.says("frist", id="a")
    await world.until(IN_FLIGHT)
    await world.says("first", kind=Kind.EDIT, target="a")
    gate.away()
    await world.settled()
    assert world.phones.texts() == ["re: first"]


async def test_no_part_goes_after_one_that_was_refused(world: World) -> None:
    gate = Gate(world, Rejected("400"), only=1)
    gate.open()
    await world.says("one")
    await world.says("two")
    await world.settled()
    assert world.phones.texts() == ["re: two"]
    assert await world.receipts() == [("failed", "outbox.rejected"), ("replied", "contact.enabled")]
    assert await world.value("SELECT count(*) FROM turns") == 2, "the second was composed anew"


async def test_a_refused_part_and_a_newer_message_do_not_wedge(world: World) -> None:
    gate = Gate(world, Rejected("400"), only=1)
    await world.says("one")
    await world.says("two")
    await world.until(IN_FLIGHT)
    await world.says("three")
    gate.open()
    await world.settled()
    assert world.phones.texts() == ["re: two", "re: three"]
    assert [outcome for outcome, _ in await world.receipts()] == ["failed", "replied", "replied"]


async def test_what_was_said_is_remembered_when_the_rest_is_withdrawn(world: World) -> None:
    gate = Gate(world, only=1)
    await world.says("one")
    await world.says("two")
    await world.until(IN_FLIGHT)
    await world.says("three")
    gate.open()
    await world.settled()
    assert world.phones.texts() == ["re: one", "re: two", "re: three"]
    assert [line.text for line in world.mind.asked[-1].window] == ["one", "re: one"]
    assert [m.text for m in world.mind.asked[-1].messages] == ["two", "three"]


async def test_somebody_who_never_stops_writing_is_answered(world: World) -> None:
    world.mind.seconds = 0.3
    for number in range(9):
        await world.says(f"n{number}")
        await asyncio.sleep(0.2)
    assert world.phones.texts() != []


async def test_what_came_after_a_pause_is_not_silenced_with_what_met_it(world: World) -> None:
    await silent_mouth(world)
    await world.says("before")
    await world.until(PLANNED)
    async with world.ledger.transaction() as tx:
        await tx.execute(
            "INSERT INTO pauses (id, user_id, reason, since, until) SELECT gen_random_uuid(), user_id, 'manual',"
            " now() - interval '1 s', now() FROM conversations"
        )
        # Planned before, refused after: a message that arrived since must be judged for itself.
        await tx.execute("UPDATE accounts SET takes = 'oldest'")
    await world.says("after")
    new_mouth(world)
    await world.until("SELECT count(*) = 1 FROM messages WHERE rule = 'contact.paused'")
    await world.settled()
    assert await world.receipts() == [("silent", "contact.paused"), ("replied", "contact.enabled")]


async def test_a_providers_later_no_takes_the_reply_back(world: World) -> None:
    await world.says("hi")
    await world.settled()
    sent = world.phones.got[0][1]
    await world.value("UPDATE deliveries SET progress = 'sent' RETURNING 1")  # not known to have arrived
    await world.inbox.learn_status(
        StatusUpdate("main", f"phone-{sent.delivery_id}", None, "failed", "131026")
    )
    assert await world.receipts() == [("failed", "outbox.rejected")]


async def test_a_plan_that_cannot_be_read_does_not_stand_in_the_way(world: World) -> None:
    await silent_mouth(world)
    await world.says("hi")
    await world.until(PLANNED)
    await world.value("UPDATE deliveries SET text = '\\x00'::bytea || text WHERE kind = 'text' RETURNING 1")
    new_mouth(world)
    await world.settled()
    await world.says("again")
    await world.settled()
    assert world.phones.texts() == ["re: again"]
    assert (await world.receipts())[0] == ("failed", "outbox.rejected")


async def test_a_channel_that_is_down_costs_no_try(world: World) -> None:
    tries, often = itertools.count(1), asyncio.Event()

    async def before(_: Outgoing) -> None:
        if next(tries) == 8:
            often.set()

    world.phones.before = before
    world.phones.fails = ChannelDown("token expired", wait=timedelta(seconds=0.1))
    await world.says("hi")
    await asyncio.wait_for(often.wait(), 20)
    world.phones.fails = None
    await world.settled()
    assert world.phones.texts() == ["re: hi"]
    assert await world.value("SELECT attempts FROM deliveries WHERE status = 'sent'") == 1, "the last alone"
    assert await world.value("SELECT count(*) FROM turns") == 1


async def test_what_a_channel_kept_too_long_is_judged_again(world: World) -> None:
    world.phones.fails = ChannelDown("token expired", wait=timedelta(minutes=3))
    await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'withdrawn')")
    held = await world.value("SELECT due_at - now() > interval '170 s' FROM conversations")
    assert held, "nothing is composed before the channel wants it"
    world.phones.fails = None
    world.clock.jump(timedelta(minutes=3))
    await world.settled()
    assert world.phones.texts() == ["re: hi"]
    assert await world.value("SELECT count(*) FROM turns") == 2


async def test_a_provider_is_left_alone_as_long_as_it_asks(world: World) -> None:
    world.phones.fails = NotSent("slow down", wait=timedelta(seconds=40))
    await world.says("hi")
    await world.until(BACK)
    waits = await world.value(
        "SELECT not_before - settled_at = interval '40 s' AND attempts = 1 FROM deliveries"
    )
    assert waits
    world.phones.fails = None
    world.clock.jump(timedelta(seconds=41))
    await world.settled()
    assert world.phones.texts() == ["re: hi"]


@pytest.mark.parametrize(
    "error", [Rejected("no"), NotSent("not now"), ChannelDown("expired"), SendUncertain("?")]
)
async def test_a_tick_that_fails_costs_nobody_their_answer(
    addresses: Addresses, template: str, tmp_path: Path, error: Exception
) -> None:
    """The whole Turn was sent back by it and composed anew, again and again."""

    async def before(outgoing: Outgoing) -> None:
        if not outgoing.kind.speaks:
            raise error

    async with World.open(addresses, template, tmp_path, human=True) as world:
        world.phones.before = before
        await world.says("hi")
        await world.settled(20)
        assert await world.receipts() == [("replied", "contact.enabled")]
        assert len(world.mind.asked) == 1
