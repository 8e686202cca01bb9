"""Edits and deletions touch what their own author said, and nothing else."""

import json
from datetime import timedelta

import pytest

from secondme.domain.message import Kind
from secondme.stores.ledger import turns
from secondme.stores.ledger.turns import MAX_CLAIMS
from tests.stores.ledger.conftest import LEASE, Steps
from tests.support.world import World

ANA, BEN, CEM = "+15550100", "+15550101", "+15550102"


async def ending(world: World, message: object) -> tuple[str, str]:
    async with world.ledger.transaction() as tx:
        row = await tx.fetchrow("SELECT outcome, rule FROM messages WHERE id = $1", message)
    assert row is not None
    return row["outcome"], row["rule"]


@pytest.mark.parametrize("kind", [Kind.EDIT, Kind.DELETION])
async def test_nobody_changes_what_another_said(world: World, kind: Kind) -> None:
    """Neither another contact's message, nor the owner's, nor what we sent; nor does the owner change theirs."""
    await world.says("mine", who=ANA, id="a")
    await world.settled()
    await world.says("the owner's", who=CEM, id="o", from_me=True)
    ours = f"phone-{world.phones.got[0][1].delivery_id}"
    for who, target, from_me in ((BEN, "a", False), (CEM, "o", False), (ANA, ours, False), (ANA, "a", True)):
        await world.says("changed", who=who, kind=kind, target=target, from_me=from_me)
    assert await world.value("SELECT count(*) FROM messages WHERE erased_at IS NOT NULL") == 0
    assert await world.value("SELECT count(*) FROM messages WHERE edited_at IS NOT NULL") == 0
    texts = [item["text"] for item in await world.threads.with_address("main", ANA)]
    assert texts == ["mine", "re: mine"]


async def test_a_deletion_leaves_the_edits_of_other_messages_alone(world: World) -> None:
    for name in ("a", "b"):
        await world.says("first", id=name)
        await world.says(f"second {name}", kind=Kind.EDIT, target=name)
    await world.says("", kind=Kind.DELETION, target="a")
    await world.settled()
    assert (
        await world.value("SELECT count(*) FROM messages WHERE content_type = 'edit' AND text IS NOT NULL")
        == 1
    )
    assert world.phones.texts() == ["re: second b"]


async def test_an_edit_after_the_answer_is_stored_and_changes_nothing(world: World) -> None:
    await world.says("first", id="a")
    await world.settled()
    edit = await world.says("second", kind=Kind.EDIT, target="a")
    assert await ending(world, edit) == ("silent", "message.edit_late")
    assert [item["text"] for item in await world.threads.with_address("main", ANA)] == ["first", "re: first"]


async def leased(steps: Steps) -> bool:
    return bool(await steps.world.value("SELECT bool_or(lease_token IS NOT NULL) FROM conversations"))


async def patience(steps: Steps, seconds: int) -> None:
    """How long the oldest message of a conversation may be sent back."""
    await steps.run("UPDATE accounts SET debounce_cap = make_interval(secs => $1)", seconds)


async def test_an_edit_sends_back_what_is_prepared_and_waits_for_the_next(steps: Steps) -> None:
    await patience(steps, 20)
    await steps.said("first", id="a")
    await steps.turn()
    await steps.said("second", id="e", kind=Kind.EDIT, target="a")
    assert not await leased(steps)
    debounce = steps.world.accounts["main"].profile.debounce
    (row,) = await steps.rows("SELECT edited_at FROM messages WHERE content_type = 'text'")
    assert await steps.due_at() == row["edited_at"] + debounce
    await steps.answer("to the second")
    await steps.said("third", kind=Kind.EDIT, target="a")
    assert await steps.statuses() == ["withdrawn"]
    assert [m.text for m in (await steps.turn()).messages] == ["third"]


async def test_a_few_edits_after_the_cap_are_composed_anew_and_more_change_the_text_alone(
    steps: Steps,
) -> None:
    """Whoever never stops editing is answered all the same."""
    await patience(steps, 3)
    await steps.said("first", id="a")
    steps.world.clock.jump(timedelta(seconds=3))
    for number in range(3):
        await steps.turn()
        await steps.said(f"edit {number}", kind=Kind.EDIT, target="a")
        assert not await leased(steps)
    turn = await steps.turn()
    edit = await steps.said("second", kind=Kind.EDIT, target="a")
    assert await leased(steps)
    assert await ending(steps.world, edit) == ("silent", "message.edit")
    assert [item["text"] for item in await steps.world.threads.with_address("main", ANA)] == ["second"]
    await steps.commit(turn, "hello")
    await steps.said("third", kind=Kind.EDIT, target="a")
    assert await steps.statuses() == ["planned"]


async def test_edits_beyond_the_rate_limit_send_nothing_back(steps: Steps) -> None:
    await patience(steps, 60)
    await steps.said("first", id="a")
    limit = steps.world.accounts["main"].profile.rate_limit
    kept = []
    for number in range(limit + 1):
        await steps.turn()
        await steps.said(f"edit {number}", kind=Kind.EDIT, target="a")
        kept.append(await leased(steps))
        await steps.run("UPDATE conversations SET lease_token = NULL, lease_until = NULL")
    assert kept == [False] * (limit - 1) + [True, True]


@pytest.mark.parametrize("kind", [Kind.EDIT, Kind.DELETION])
async def test_changing_what_was_answered_sends_nothing_back(steps: Steps, kind: Kind) -> None:
    await patience(steps, 60)
    for name in ("old", "older"):
        await steps.said(name, id=name)
    await steps.answer("to both")
    await steps.sent(await steps.fly())
    await steps.said("a question")
    turn = await steps.turn()
    await steps.said("changed", kind=kind, target="old")
    assert await leased(steps)
    await steps.commit(turn, "an answer")
    await steps.said("changed", kind=kind, target="older")
    assert await steps.statuses() == ["sent", "planned"]


@pytest.mark.parametrize("kind", [Kind.EDIT, Kind.DELETION])
async def test_what_changes_between_two_parts_of_its_answer_ends_the_answer_there(
    steps: Steps, kind: Kind
) -> None:
    """The rest speaks to words that are gone, and a second answer to the new ones would be one too many."""
    message = await steps.said("first", id="a")
    await steps.answer("part one", "part two")
    await steps.sent(await steps.fly())
    await steps.said("second", kind=kind, target="a")
    assert await steps.statuses() == ["sent", "withdrawn"]
    assert await ending(steps.world, message) == ("replied", "by.hand")
    assert await steps.due_at() is None
    said = [item["text"] for item in await steps.world.threads.with_address("main", ANA)]
    assert said == (["second", "part one"] if kind is Kind.EDIT else [None, "part one"])


def settled(world: World) -> list[tuple[str, str]]:
    """(message, rule) of the endings in the audit log."""
    (file,) = (world.folder / "logs").glob("audit-*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [(line["messageId"], line["rule"]) for line in lines if line["event"] == "message.settled"]


async def test_a_message_that_ends_by_a_deletion_is_told(steps: Steps) -> None:
    told = []
    waits = await steps.said("waits", id="a")
    await steps.world.says("", kind=Kind.DELETION, target="a")
    told.append((str(waits), "message.deleted"))
    assert settled(steps.world) == told
    planned = await steps.said("planned", id="b")
    await steps.answer("hello")
    await steps.world.says("", kind=Kind.DELETION, target="b")
    told.append((str(planned), "message.deleted"))
    assert settled(steps.world) == told
    await steps.world.says("", kind=Kind.DELETION, target="c")
    late = await steps.said("came after its deletion", id="c")
    told.append((str(late), "message.deleted"))
    assert settled(steps.world) == told


async def test_what_we_said_goes_when_the_owner_deletes_it(steps: Steps) -> None:
    await steps.said("hi", id="a")
    await steps.answer("one", "two")
    for provider_id in ("ours-1", "ours-2"):
        await steps.sent(await steps.fly(), provider_id)
    await steps.said("", kind=Kind.DELETION, target="ours-1", from_me=True)
    thread = await steps.world.threads.with_address("main", ANA)
    assert [item["text"] for item in thread] == ["hi", None, "two"]
    await steps.said("and?")
    turn = await steps.turn()
    async with steps.world.ledger.transaction() as tx:
        rows = (await turns.windows(tx, [turn]))[turn.conversation_id]
    assert [line.text for line in turns.lines(steps.world.ledger.vault, rows)] == ["hi", "two"]
    await steps.said("", kind=Kind.DELETION, target="ours-2", from_me=True)
    assert await steps.world.value("SELECT count(*) FROM messages WHERE reply_text IS NOT NULL") == 0
    assert await steps.world.value("SELECT count(*) FROM deliveries WHERE text_digest IS NOT NULL") == 0


async def test_what_kills_every_worker_ends_failed(steps: Steps) -> None:
    """Each claim is followed by the death of the claimer; the others' messages are answered all the same."""
    world = steps.world
    deadly = await world.says("deadly")
    for _ in range(MAX_CLAIMS):
        assert len(await steps.claim()) == 1
        world.clock.jump(LEASE)
    harmless = await world.says("harmless", who=BEN)
    world.clock.jump(LEASE)
    assert await world.turns.claim_once() == 2
    await world.until("SELECT NOT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)")
    assert await ending(world, deadly) == ("failed", "turn.crashes")
    assert await world.value("SELECT turn_id IS NOT NULL FROM messages WHERE id = $1", harmless)
    assert [turn.contact.id for turn in world.mind.asked] == [await world.contact(BEN)]
