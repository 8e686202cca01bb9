"""Edits and deletions touch what their own author said, and nothing else."""

import pytest

from secondme.domain.message import Kind
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
