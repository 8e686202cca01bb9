"""The owner's phone on Meta's API: their word ends ours, and the echo of what we sent is not their word."""

import asyncio

import pytest

from tests.journeys.conftest import Open

ANA = "15550100001"
PAUSED = "SELECT EXISTS (SELECT 1 FROM pauses WHERE user_id IS NOT NULL AND lifted_at IS NULL)"


@pytest.mark.parametrize("whom", [{"to": ANA}, {"to": None, "user_id": "US.77"}], ids=["number", "id"])
async def test_the_owners_word_ends_the_reply_in_the_making(journey: Open, whom: dict[str, str]) -> None:
    async with journey("clone") as told:
        told.mind.hold()
        await told.meta.says("hello", whom["to"], user_id=whom.get("user_id"))
        await told.mind.at_work()
        await told.meta.owner_says("I am here", **whom)
        told.mind.may.set()
        await told.settled()
        await told.quiet()
        assert await told.meta.sends() == []
        assert await told.world.value(PAUSED)
        await told.meta.says("still there?", whom["to"], user_id=whom.get("user_id"))
        await told.settled()
        assert [rule for _, rule in await told.receipts()] == ["owner.stepped_in", "contact.paused"]
        assert await told.meta.sends() == []


@pytest.mark.parametrize("what", ["image", "audio", "sticker"])
async def test_whatever_the_owner_sends_is_their_word(journey: Open, what: str) -> None:
    async with journey("clone") as told:
        await told.meta.owner_says("", what=what)
        await told.meta.says("hello")
        await told.settled()
        assert [outcome for outcome, _ in await told.receipts()] == ["silent"]
        assert await told.meta.sends() == []


async def test_the_owners_edit_and_deletion_are_no_word_to_anybody(journey: Open) -> None:
    async with journey("clone") as told:
        await told.meta.owner_says("better", what="edit", of="wamid.ELSEWHERE")
        await told.meta.owner_says("", what="revoke", of="wamid.ELSEWHERE")
        await told.meta.says("hello")
        await told.settled()
        assert await told.meta.texts() == ["re: hello"]


async def test_our_own_echo_does_not_pause(journey: Open) -> None:
    async with journey("clone") as told:
        await told.meta.says("hello")
        await told.settled()
        (send,) = await told.meta.sends()
        await told.meta.deliver(
            [{"kind": "echo", "from": ANA, "id": send["id"], "text": "re: hello"}], times=3, concurrent=3
        )
        assert not await told.world.value(PAUSED)
        await told.meta.says("and?")
        await told.settled()
        assert await told.meta.texts() == ["re: hello", "re: and?"]


async def test_our_own_echo_while_the_answer_is_awaited_does_not_pause(journey: Open) -> None:
    """The network is quicker with the echo than with its answer to the send."""
    async with journey("clone") as told:
        await told.meta.fault("slow", seconds=1.0)
        await told.meta.says("hello")
        (send,) = await told.tried(1)
        await told.meta.owner_says("re: hello", id=send["id"])
        await told.settled()
        assert not await told.world.value(PAUSED)
        assert [outcome for outcome, _ in await told.receipts()] == ["replied"]
        await asyncio.sleep(1.0)
        await told.meta.says("and?")
        await told.settled()
        assert await told.meta.texts() == ["re: hello", "re: and?"]


async def test_our_own_echo_settles_what_was_uncertain(journey: Open) -> None:
    async with journey("clone") as told:
        await told.meta.fault("close", taken=True, statuses=[])
        await told.meta.says("hello")
        await told.world.until("SELECT EXISTS (SELECT 1 FROM messages WHERE outcome = 'uncertain')")
        (send,) = await told.meta.sends()
        await told.meta.owner_says("re: hello", id=send["id"])
        assert await told.receipts() == [("replied", "contact.enabled")]
        assert not await told.world.value(PAUSED)
        assert len(await told.meta.sends()) == 1
