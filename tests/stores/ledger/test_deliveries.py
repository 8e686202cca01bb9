"""What may go next, what quotes, and what is known afterwards."""

from datetime import timedelta
from uuid import UUID

import pytest

from secondme.domain.delivery import StatusUpdate
from secondme.domain.message import Kind
from secondme.stores.ledger import deliveries, settling
from secondme.stores.ledger.deliveries import InFlight
from tests.stores.ledger.conftest import Steps

PATIENT = "UPDATE accounts SET debounce_cap = '1 hour'"  # nobody has waited for too long


async def planned(steps: Steps, *texts: str, account: str = "main") -> UUID:
    """One message with an answer that has not left yet; returns the message."""
    message = await steps.said("hi", id="question", account=account)
    await steps.answer(*texts)
    return message


async def journal_flight(steps: Steps, after: int, seconds: float) -> InFlight:
    """The journal's answer to a message with so many after it, passing the fence at that age."""
    message = await planned(steps, "Noted.", account="journal")
    for number in range(after):
        await steps.said(f"n{number}", account="journal")
    (arrived,) = await steps.rows("SELECT created_at FROM messages WHERE id = $1", message)
    (ready,) = await steps.ready()
    flight = await steps.fence(ready, arrived["created_at"] + timedelta(seconds=seconds))
    assert flight is not None
    return flight


@pytest.mark.parametrize(
    ("after", "seconds", "quotes"),
    [(0, 10, None), (1, 10, None), (2, 5, "question"), (0, 10.001, "question"), (5, 60, "question")],
)
async def test_the_journal_quotes_what_is_overtaken_or_old(
    steps: Steps, after: int, seconds: float, quotes: str | None
) -> None:
    assert (await journal_flight(steps, after, seconds)).outgoing.quotes == quotes


async def test_reactions_and_edits_overtake_nothing(steps: Steps) -> None:
    await planned(steps, "Noted.", account="journal")
    for _ in range(2):
        await steps.said("👍", kind=Kind.REACTION, target="question", account="journal")
        await steps.said("other", kind=Kind.EDIT, target="unknown", account="journal")
    (ready,) = await steps.ready()
    flight = await steps.fence(ready)
    assert flight is not None
    assert flight.outgoing.quotes is None


async def test_the_clone_quotes_nobody_for_being_slow(steps: Steps) -> None:
    await planned(steps, "hey")
    steps.world.clock.jump(timedelta(minutes=1))
    assert (await steps.fly()).outgoing.quotes is None


async def test_part_two_waits_until_part_one_has_left(steps: Steps) -> None:
    await planned(steps, "one", "two")
    (first,) = await steps.ready()
    second = (await steps.rows("SELECT id FROM deliveries ORDER BY seq"))[1]["id"]
    early = type(first)(
        second, first.account_id, first.contact_id, first.conversation_id, first.turn_id, first.attempts
    )
    assert await steps.fence(early) is None, "it passed a planned part one"
    flight = await steps.fence(first)
    assert flight is not None
    assert (flight.outgoing.text, await steps.ready()) == ("one", [])
    assert await steps.fence(early) is None, "it passed a part one in flight"
    assert await steps.sent(flight) == []
    last = await steps.fly()
    assert last.outgoing.text == "two"
    (receipt,) = await steps.sent(last)
    assert (receipt.outcome, receipt.rule) == ("replied", "by.hand")


async def test_a_delivery_passes_the_fence_once(steps: Steps) -> None:
    await planned(steps, "one")
    (ready,) = await steps.ready()
    assert await steps.fence(ready) is not None
    assert await steps.fence(ready) is None


async def test_a_newer_message_withdraws_the_rest_and_the_receipt_is_replied(steps: Steps) -> None:
    await steps.run(PATIENT)
    await planned(steps, "one", "two")
    await steps.sent(await steps.fly())
    assert await steps.world.receipts() == [(None, None)]
    await steps.said("never mind")
    assert await steps.statuses() == ["sent", "withdrawn"]
    assert await steps.world.receipts() == [("replied", "by.hand"), (None, None)]
    assert [m.text for m in (await steps.turn()).messages] == ["never mind"]


async def test_a_newer_message_sends_the_whole_plan_back(steps: Steps) -> None:
    await steps.run(PATIENT)
    await planned(steps, "one", "two")
    await steps.said("wait")
    assert await steps.statuses() == ["withdrawn", "withdrawn"]
    turn = await steps.turn()
    assert [m.text for m in turn.messages] == ["hi", "wait"]
    await steps.commit(turn, "one again")
    assert (await steps.fly()).outgoing.text == "one again"


async def uncertain(steps: Steps) -> InFlight:
    message = await planned(steps, "hello")
    flight = await steps.fly()
    (receipt,) = await steps.uncertain(flight)
    assert (receipt.message_id, receipt.outcome) == (message, "uncertain")
    return flight


async def learn(steps: Steps, progress: str, **by: str | None) -> None:
    update = StatusUpdate("main", by.get("provider_id"), by.get("callback"), progress, by.get("error"))
    await steps.world.inbox.learn_status(update)


@pytest.mark.parametrize("progress", ["sent", "delivered", "read"])
async def test_a_good_status_settles_what_was_uncertain(steps: Steps, progress: str) -> None:
    flight = await uncertain(steps)
    await learn(steps, progress, callback=str(flight.ready.id), provider_id="wamid-1")
    assert await steps.statuses() == ["sent"]
    assert await steps.world.receipts() == [("replied", "by.hand")]
    items = await steps.world.threads.with_address("main", "+15550100")
    assert [(i["text"], i["status"]) for i in items] == [("hi", "replied"), ("hello", progress)]
    assert await steps.world.value("SELECT reply_text IS NOT NULL AND replied_at IS NOT NULL FROM messages")
    # From now on it is known by the provider's id as well.
    await learn(steps, "read", provider_id="wamid-1")
    assert (await steps.world.threads.with_address("main", "+15550100"))[1]["status"] == "read"


async def test_a_failed_status_is_the_final_no(steps: Steps) -> None:
    flight = await uncertain(steps)
    await learn(steps, "failed", callback=str(flight.ready.id), error="131026")
    assert await steps.statuses() == ["failed"]
    assert await steps.world.receipts() == [("failed", "outbox.rejected")]
    await learn(steps, "delivered", callback=str(flight.ready.id))
    assert await steps.statuses() == ["failed"]


@pytest.mark.parametrize(
    "by", [{"callback": "no-uuid"}, {"callback": str(UUID(int=7))}, {"provider_id": "strange"}, {}]
)
@pytest.mark.parametrize("progress", ["delivered", "failed"])
async def test_a_status_about_somebody_elses_message_settles_nothing(
    steps: Steps, by: dict[str, str], progress: str
) -> None:
    await uncertain(steps)
    await learn(steps, progress, **by)
    assert await steps.statuses() == ["uncertain"]
    assert await steps.world.receipts() == [("uncertain", "outbox.uncertain")]


async def test_another_accounts_status_settles_nothing(steps: Steps) -> None:
    flight = await uncertain(steps)
    await steps.world.inbox.learn_status(StatusUpdate("journal", None, str(flight.ready.id), "delivered"))
    assert await steps.statuses() == ["uncertain"]


async def test_a_status_may_come_before_the_answer_to_the_request(steps: Steps) -> None:
    message = await planned(steps, "hello")
    flight = await steps.fly()
    await learn(steps, "read", callback=str(flight.ready.id), provider_id="wamid-1")
    assert await steps.world.receipts() == [("replied", "by.hand")]
    assert await steps.sent(flight, "wamid-1") == []
    (row,) = await steps.rows("SELECT status, progress FROM deliveries WHERE answers = $1", message)
    assert tuple(row) == ("sent", "read")


async def test_a_no_before_the_answer_to_the_request_leaves_nothing_said(steps: Steps) -> None:
    message = await planned(steps, "hello")
    flight = await steps.fly()
    await learn(steps, "failed", callback=str(flight.ready.id), provider_id="wamid-1")
    await steps.sent(flight, "wamid-1")
    assert await steps.statuses() == ["failed"]
    assert await steps.world.receipts() == [("failed", "outbox.rejected")]
    (row,) = await steps.rows("SELECT reply_text FROM messages WHERE id = $1", message)
    assert row["reply_text"] is None, "the next prompt would show it as said"


async def test_an_echo_in_flight_is_known_by_its_words(steps: Steps) -> None:
    """Before the provider has told its id, only the words can tell that they are ours."""
    await planned(steps, "hello")
    flight = await steps.fly()
    assert await steps.world.says("hello", from_me=True, id="echo-1") is None
    assert await steps.statuses() == ["sent"]
    assert await steps.world.receipts() == [("replied", "by.hand")]
    await steps.sent(flight, "echo-1")
    assert await steps.world.says("hello", from_me=True, id="echo-1") is None
    assert await steps.world.value("SELECT count(*) FROM pauses") == 0


async def test_an_echo_of_what_was_sent_without_an_id_is_ours_once(steps: Steps) -> None:
    await planned(steps, "hello")
    await steps.sent(await steps.fly(), None)
    assert await steps.world.says("hello", from_me=True, id="echo-1") is None
    assert await steps.world.value("SELECT count(*) FROM pauses") == 0
    assert await steps.world.says("hello", from_me=True, id="echo-2") is not None, "the owner's, by now"
    assert await steps.world.value("SELECT count(*) FROM pauses WHERE reason = 'owner_word'") == 1


async def test_the_same_words_afterwards_are_the_owners(steps: Steps) -> None:
    await planned(steps, "hello")
    await steps.sent(await steps.fly(), "wamid-1")
    assert await steps.world.says("hello", from_me=True, id="other") is not None
    assert await steps.world.value("SELECT count(*) FROM pauses WHERE reason = 'owner_word'") == 1


async def test_the_same_words_to_somebody_else_are_the_owners(steps: Steps) -> None:
    await planned(steps, "hello")
    await steps.fly()
    assert await steps.world.says("hello", who="+15550101", from_me=True) is not None
    assert await steps.statuses() == ["in_flight"]


async def test_who_dies_while_sending_leaves_it_uncertain(steps: Steps) -> None:
    await planned(steps, "hello")
    await steps.fly()
    for later, status in ((timedelta(seconds=8), "in_flight"), (timedelta(seconds=2), "uncertain")):
        steps.world.clock.jump(later)
        async with steps.world.ledger.transaction() as tx:
            await settling.sweep(tx, steps.world.clock.now())
        assert await steps.statuses() == [status]


async def test_an_account_with_much_to_say_hides_no_others(steps: Steps) -> None:
    """It may be down, and all of it be ready again and again."""
    for number in range(12):
        await steps.said("hi", who=f"+155501{number:02}")
    await steps.said("hi", account="journal")
    for turn in await steps.load(await steps.claim()):
        await steps.commit(turn, "hey")
    async with steps.world.ledger.transaction() as tx:
        await tx.execute(
            "UPDATE deliveries SET not_before = not_before - interval '5 s' WHERE account_id = 'main'"
        )
        found = await deliveries.ready(tx, ["main", "journal"], [], [], steps.world.clock.now(), 10)
    accounts = [ready.account_id for _, ready in found]
    assert (accounts[:2], len(accounts)) == (["main", "journal"], 10)
