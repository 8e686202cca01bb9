"""A message's journey from inbox to phone, on real stores."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from secondme.domain.errors import Ambiguous, MindFailed, NotSent, Rejected, SendUncertain
from secondme.domain.message import Kind
from secondme.pipeline.effects import MESSAGES
from tests.support.world import World


async def test_a_message_is_answered_once(world: World) -> None:
    await world.says("hi")
    await world.settled()
    assert world.phones.texts() == ["re: hi"]
    assert await world.receipts() == [("replied", "contact.enabled")]


async def test_a_second_delivery_of_a_message_changes_nothing(world: World) -> None:
    first = await world.says("hi", id="same")
    again = await world.says("hi", id="same")
    await world.settled()
    assert first == again
    await world.says("hi", id="same")
    await asyncio.sleep(0.5)
    assert world.phones.texts() == ["re: hi"]
    last = await world.says("bye")
    await world.settled()
    assert await _rung_for(world, last) == [str(first), str(last)]


async def _rung_for(world: World, last: UUID | None) -> list[str]:
    """The messages that the orchestrator was rung for as they came, up to the bell of the last."""
    async with asyncio.timeout(8):
        while True:
            bells: Any = await world.signals._wire.calls.xrange(MESSAGES)
            rung = [bell["messageId"] for _, bell in bells if bell["content"].startswith("message:")]
            if str(last) in rung:
                return rung
            await asyncio.sleep(0.02)


async def test_a_burst_is_one_turn(world: World) -> None:
    for text in ("hi", "are you there", "??"):
        await world.says(text)
    await world.settled()
    assert world.phones.texts() == ["re: hi", "re: are you there", "re: ??"]
    assert len(world.mind.asked) == 1
    assert await world.value("SELECT count(*) FROM turns") == 1


async def test_the_journal_answers_each_in_order(world: World) -> None:
    for number in range(5):
        await world.says(f"n{number}", account="journal")
    await world.settled()
    assert world.phones.texts() == [f"re: n{number}" for number in range(5)]


async def test_the_owners_word_ends_what_waits_and_pauses(world: World) -> None:
    world.mind.seconds = 1.0
    await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)")
    await world.says("I am here", from_me=True)
    await world.settled()
    await world.says("oh hello")
    await world.settled()
    await asyncio.sleep(1.2)
    assert world.phones.texts() == []
    assert await world.receipts() == [("silent", "owner.stepped_in"), ("silent", "contact.paused")]


async def test_a_newer_message_sends_the_making_back(world: World) -> None:
    world.mind.seconds = 0.5
    await world.says("one")
    await world.until("SELECT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)")
    await world.says("two")
    await world.settled()
    assert world.phones.texts() == ["re: one", "re: two"]
    assert await world.value("SELECT count(*) FROM turns") == 1


async def test_own_echoes_are_nobodys_word(world: World) -> None:
    await world.says("hi")
    await world.settled()
    sent = world.phones.got[0][1]
    await world.says("re: hi", from_me=True, id=f"phone-{sent.delivery_id}")
    await world.says("and again")
    await world.settled()
    assert world.phones.texts() == ["re: hi", "re: and again"]


async def test_a_failing_mind_is_asked_three_times(world: World) -> None:
    world.mind.fails = MindFailed("no")
    await world.says("hi")
    for failures in (1, 2):
        await world.until(f"SELECT bool_or(attempts = {failures}) FROM conversations")
        world.clock.jump(timedelta(seconds=10))
    await world.settled()
    assert len(world.mind.asked) == 3
    assert world.phones.texts() == []
    assert await world.receipts() == [("failed", "mind.failed")]


async def test_no_byte_left_is_tried_again(world: World) -> None:
    world.phones.fails = NotSent("no route")
    await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM deliveries WHERE attempts > 0 AND status = 'planned')")
    world.phones.fails = None
    await world.settled()
    assert world.phones.texts() == ["re: hi"]


async def test_an_uncertain_send_is_never_tried_again(world: World) -> None:
    world.phones.fails = SendUncertain("no answer")
    await world.says("hi")
    await world.settled()
    world.phones.fails = None
    await asyncio.sleep(1.2)
    assert world.phones.texts() == []
    assert await world.receipts() == [("uncertain", "outbox.uncertain")]


async def test_a_rejected_send_ends_failed(world: World) -> None:
    world.phones.fails = Rejected("400")
    await world.says("hi")
    await world.settled()
    assert await world.receipts() == [("failed", "outbox.rejected")]


async def test_edits_deletions_and_reactions(world: World) -> None:
    await world.says("frist", id="a")
    await world.says("first", kind=Kind.EDIT, target="a")
    await world.says("oops", id="b", who="+15550101")
    await world.says("", kind=Kind.DELETION, target="b", who="+15550101")
    await world.says("👍", kind=Kind.REACTION, target="a")
    await world.settled()
    assert world.phones.texts() == ["re: first"]
    assert await world.receipts() == [
        ("replied", "contact.enabled"),
        ("silent", "message.edit"),
        ("silent", "message.deleted"),
        ("silent", "message.deletion"),
        ("silent", "message.reaction"),
    ]


async def test_the_switch_stops_and_resume_answers_nothing_old(world: World) -> None:
    pressed = await world.switch.press()
    assert pressed.committed
    await world.says("hi")
    await world.settled()
    await world.switch.resume()
    await asyncio.sleep(0.5)
    await world.says("hello?")
    await world.settled()
    assert world.phones.texts() == ["re: hello?"]
    assert await world.receipts() == [("silent", "switch.pressed"), ("replied", "contact.enabled")]


async def test_the_eleventh_message_in_a_minute_pauses(world: World) -> None:
    for number in range(11):
        await world.says(f"n{number}")
    await world.settled()
    assert world.phones.texts() == []
    assert {rule for _, rule in await world.receipts()} == {"rate.limit"}
    await world.says("still there?")
    await world.settled()
    assert (await world.receipts())[-1] == ("silent", "contact.paused")


async def test_a_contact_is_found_by_one_word_of_the_name(world: World) -> None:
    await world.says("hi", name="Mara Ruiz")
    await world.says("hi", name="Tom Ruiz", who="+15550101")
    assert (await world.control.find("mara"))[0].address == "+15550100"
    with pytest.raises(Ambiguous, match=re.escape("+15550101")):
        await world.control.find("Ruiz")
