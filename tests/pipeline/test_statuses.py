"""What a provider says later, many words at a time, and why a message failed."""

from datetime import timedelta
from uuid import uuid4

import pytest

from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import Rejected, SendUncertain
from tests.support.world import World


def word(progress: str, delivery: object, **more: str) -> StatusUpdate:
    return StatusUpdate("main", f"phone-{delivery}", None, progress, **more)


async def answered(world: World, people: int) -> list[object]:
    """So many people write and are answered; returns the deliveries' ids, in no order."""
    for n in range(people):
        await world.says("hi", who=f"+1555010{n:04}")
    await world.settled()
    async with world.ledger.transaction() as tx:
        return [row["id"] for row in await tx.fetch("SELECT id FROM deliveries WHERE kind = 'text'")]


async def test_many_ticks_at_once_only_move_forward(world: World) -> None:
    first, second = await answered(world, 2)
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE deliveries SET progress = 'sent'")
    words = [word("read", first), word("delivered", first), word("sent", first), word("delivered", second)]
    await world.inbox.learn_statuses([*words, word("read", uuid4())] * 3)
    assert await world.value("SELECT progress FROM deliveries WHERE id = $1", first) == "read"
    assert await world.value("SELECT progress FROM deliveries WHERE id = $1", second) == "delivered"


async def test_a_later_no_takes_the_reply_back_and_says_why(world: World) -> None:
    first, second = await answered(world, 2)
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE deliveries SET progress = 'sent'")
    await world.inbox.learn_statuses(
        [word("failed", first, rule="outbox.window_closed"), word("failed", second)]
    )
    assert sorted(await world.receipts()) == [
        ("failed", "outbox.rejected"),
        ("failed", "outbox.window_closed"),
    ]


@pytest.mark.parametrize("progress", ["sent", "read", "failed"])
async def test_a_word_settles_what_was_uncertain(world: World, progress: str) -> None:
    world.phones.fails = SendUncertain("no answer")
    await answered(world, 1)
    assert await world.receipts() == [("uncertain", "outbox.uncertain")]
    delivery = await world.value("SELECT id FROM deliveries WHERE kind = 'text'")
    await world.inbox.learn_statuses([StatusUpdate("main", "wamid.new", str(delivery), progress)])
    ((outcome, _),) = await world.receipts()
    assert outcome == ("failed" if progress == "failed" else "replied")


async def test_a_word_settles_it_however_late_it_comes(world: World) -> None:
    """Meta posts for days what nobody took; a status has no age at which it would be worth nothing."""
    world.phones.fails = SendUncertain("no answer")
    await answered(world, 1)
    delivery = await world.value("SELECT id FROM deliveries WHERE kind = 'text'")
    world.clock.jump(timedelta(days=8))
    await world.inbox.learn_statuses([StatusUpdate("main", "wamid.new", str(delivery), "read")])
    assert [outcome for outcome, _ in await world.receipts()] == ["replied"]


async def test_a_refusal_says_why(world: World) -> None:
    world.phones.fails = Rejected("more than 24 hours", "outbox.window_closed")
    await answered(world, 1)
    assert await world.receipts() == [("failed", "outbox.window_closed")]


async def test_words_about_others_messages_change_nothing(world: World) -> None:
    await answered(world, 1)
    before = await world.receipts()
    words = [StatusUpdate("main", None, callback, "failed") for callback in ("", "x", str(uuid4()))]
    await world.inbox.learn_statuses([*words, word("failed", uuid4())])
    await world.inbox.learn_statuses([])
    assert await world.receipts() == before
