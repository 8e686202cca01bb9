"""What once went wrong after a provider's later no, and with an old line that nobody could open."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from secondme.domain.delivery import StatusUpdate
from secondme.domain.turn import Draft, Part, Turn
from secondme.embedded import Addresses
from tests.support.world import World

FIRST_SENT = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE kind = 'text' AND part = 1 AND status = 'sent')"
TAKEN_ONLY = "UPDATE deliveries SET progress = 'sent' WHERE kind = 'text' AND status = 'sent' RETURNING 1"
KEPT = "SELECT count(*) FROM messages WHERE reply_text IS NOT NULL"


class Two:
    """Says everything in two parts."""

    name = "two"

    async def complete(self, turn: Turn) -> Draft:
        last = turn.messages[-1].id
        return Draft((Part("one", last), Part("two", last)), "two")

    async def close(self) -> None:
        return None


def no(delivery: object) -> StatusUpdate:
    return StatusUpdate("main", f"phone-{delivery}", None, "failed", error="+15550100000 is no such number")


async def test_after_a_later_no_the_rest_of_the_turn_stays(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with World.open(addresses, template, tmp_path, mind=Two(), human=True) as world:
        await world.says("hi")
        await world.until(FIRST_SENT, 15)
        await world.value(TAKEN_ONLY)
        first = next(o for _, o in world.phones.got if o.text == "one")
        await world.inbox.learn_statuses([no(first.delivery_id)])
        await world.settled(15)
        assert world.phones.texts() == ["one"]
        assert [outcome for outcome, _ in await world.receipts()] == ["failed"]
        planned = "SELECT count(*) FROM deliveries WHERE kind = 'text' AND status IN ('planned', 'in_flight', 'sent')"
        assert await world.value(planned) == 0


async def test_what_a_provider_refused_later_was_not_said(world: World) -> None:
    await world.says("hi")
    await world.settled()
    assert await world.value(KEPT) == 1
    await world.value(TAKEN_ONLY)
    delivery = await world.value("SELECT id FROM deliveries WHERE kind = 'text'")
    await world.inbox.learn_statuses([no(delivery)])
    assert await world.value(KEPT) == 0
    assert await world.value("SELECT error FROM deliveries WHERE id = $1", delivery) == "status.failed"


@pytest.mark.parametrize("arrived", ["delivered", "read"])
async def test_a_no_to_what_has_arrived_is_not_believed(world: World, arrived: str) -> None:
    await world.says("hi")
    await world.settled()
    delivery = await world.value("SELECT id FROM deliveries WHERE kind = 'text'")
    await world.inbox.learn_statuses([replace(no(delivery), progress=arrived, error=None)])
    await world.inbox.learn_statuses([no(delivery)])
    assert [outcome for outcome, _ in await world.receipts()] == ["replied"]
    assert await world.value(KEPT) == 1


async def test_a_word_about_a_damaged_delivery_keeps_no_other_from_counting(world: World) -> None:
    """Else all of them are posted again for days, and none is ever settled."""
    for who in ("+15550100", "+15550101"):
        await world.says("hi", who=who)
    await world.settled()
    await world.value("UPDATE messages SET outcome = 'uncertain' RETURNING 1")
    damaged, whole = await world.value(
        """WITH d AS (UPDATE deliveries SET status = 'uncertain', provider_message_id = NULL,
             text = CASE user_id WHEN $1 THEN '\\x00'::bytea || text ELSE text END
           WHERE kind = 'text' RETURNING id, user_id)
           SELECT array_agg(id ORDER BY user_id = $1 DESC) FROM d""",
        await world.contact(),
    )
    words = [StatusUpdate("main", f"p-{d}", str(d), "delivered") for d in (damaged, whole)]
    await world.inbox.learn_statuses(words)
    assert await world.value("SELECT status FROM deliveries WHERE id = $1", whole) == "sent"
    await world.inbox.learn_status(words[0])


async def test_words_of_the_provider_lock_conversations_before_deliveries(world: World) -> None:
    """As everybody does: else two who each wait for the other's row are both sent away."""
    await world.says("hi")
    await world.settled()
    delivery = await world.value("SELECT id FROM deliveries WHERE kind = 'text'")
    async with world.ledger.transaction() as tx:
        await tx.execute("SELECT 1 FROM conversations FOR UPDATE")
        waits = asyncio.create_task(world.inbox.learn_status(replace(no(delivery), progress="read")))
        await asyncio.sleep(0.3)
        assert not waits.done()
        await tx.execute("SELECT 1 FROM deliveries FOR UPDATE NOWAIT")
    await waits
    assert await world.value("SELECT progress FROM deliveries WHERE id = $1", delivery) == "read"


async def test_a_damaged_old_line_silences_nobody(world: World) -> None:
    await world.says("one")
    await world.settled()
    await world.value("UPDATE messages SET text = '\\x0011223344556677889900112233445566778899' RETURNING 1")
    await world.says("two")
    await world.settled()
    assert [outcome for outcome, _ in await world.receipts()] == ["replied", "replied"]
