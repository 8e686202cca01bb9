"""What becomes of an order whose sender dies: before the fence it stays planned, behind it nobody tries again."""

from datetime import timedelta
from uuid import UUID

from secondme.domain.delivery import DeliveryKind, Sent
from secondme.domain.message import Kind
from secondme.domain.order import Order
from secondme.stores.ledger import orders, people, settling
from secondme.stores.ledger.people import Whom
from tests.stores.ledger.conftest import Steps

TEMPLATE = Order(DeliveryKind.TEMPLATE, {"type": "template", "template": {}}, Kind.TEXT, words="Ready.")
MEDIA = Order(DeliveryKind.MEDIA, {"type": "image", "image": {"id": "1"}}, Kind.IMAGE, "Look", caption="Look")


async def ordered(steps: Steps, order: Order = TEMPLATE) -> UUID:
    """An order to Ana on the account `main`, who may have written or not."""
    world = steps.world
    account, vault, now = world.accounts["main"], world.ledger.vault, world.clock.now()
    where = people.Address(
        account, "simulator", vault.digest("address", "simulator", "+15550100"), "+15550100", None
    )
    async with world.ledger.transaction() as tx:
        whom: Whom = (await people.resolve(tx, vault, [where], now))[0]
        held = await orders.holds(tx, whom.conversation_id, now)
        assert (held.enabled, held.stopped, held.paused) == (True, False, False)
        return await orders.place(tx, vault, whom, "main", order, now)


async def test_a_sender_that_dies_behind_the_fence_leaves_it_uncertain(steps: Steps) -> None:
    for order in (TEMPLATE, MEDIA):
        await ordered(steps, order)
        await steps.fly()
        steps.world.clock.jump(timedelta(seconds=30))
        async with steps.world.ledger.transaction() as tx:
            (receipt,) = await settling.sweep(tx, steps.world.clock.now())
        assert (receipt.outcome, receipt.rule) == ("uncertain", "outbox.uncertain")
        assert await steps.ready() == []


async def test_an_order_goes_with_what_it_says_and_quotes_nothing(steps: Steps) -> None:
    await steps.said("hi")
    await steps.answer()
    id_ = await ordered(steps, MEDIA)
    flight = await steps.fly()
    assert (flight.outgoing.delivery_id, flight.outgoing.kind) == (id_, DeliveryKind.MEDIA)
    assert flight.outgoing.text == '{"type": "image", "image": {"id": "1"}}'
    assert flight.outgoing.quotes is None and not flight.alone
    (receipt,) = await steps.sent(flight, "wamid.1")
    assert (receipt.message_id, receipt.outcome, receipt.rule) == (id_, "replied", orders.RULE)
    (row,) = await steps.rows("SELECT reply_text, client_timestamp FROM messages WHERE id = $1", id_)
    assert (row["reply_text"], row["client_timestamp"]) == (None, None)


async def test_an_echo_with_its_caption_is_no_word_of_the_owners(steps: Steps) -> None:
    await ordered(steps, MEDIA)
    flight = await steps.fly()
    await steps.world.says("Look", from_me=True, kind=Kind.IMAGE, id="wamid.1")
    (row,) = await steps.rows("SELECT status FROM deliveries WHERE id = $1", flight.ready.id)
    assert row["status"] == "sent"
    assert await steps.rows("SELECT 1 FROM pauses") == []


async def test_what_waits_is_answered_after_an_order_and_not_before(steps: Steps) -> None:
    await ordered(steps)
    await steps.said("hi")
    assert await steps.due_at() is None
    flight = await steps.fly()
    async with steps.world.ledger.transaction() as tx:
        await settling.settle_by_word(
            tx,
            steps.world.ledger.vault,
            "main",
            result=Sent("wamid.1"),
            now=steps.world.clock.now(),
            callback=str(flight.ready.id),
        )
    assert await steps.due_at() is not None
    await steps.answer("re: hi")
    assert [d.kind for d in await steps.ready()] == [DeliveryKind.TEXT]
