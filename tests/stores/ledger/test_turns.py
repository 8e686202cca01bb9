"""Who is due, who holds it, and the one commit that ends a Turn."""

import asyncio
import time
from datetime import timedelta

import pytest

from secondme.domain.message import Inbound, Kind
from secondme.observe import metrics
from secondme.stores.ledger import turns
from secondme.stores.ledger.commits import Superseded
from tests.stores.ledger.conftest import LEASE, Steps
from tests.support.world import World


async def test_a_second_worker_passes_over_what_the_first_is_claiming(steps: Steps) -> None:
    """It neither takes nor waits for rows that the first has locked and not yet committed."""
    for number in range(6):
        await steps.said("hi", who=f"+1555010{number}")
    world = steps.world
    world.clock.jump(timedelta(seconds=1))
    now = world.clock.now()
    async with world.ledger.transaction() as one, world.ledger.transaction() as two:
        first, _ = await turns.claim(one, now, 4, LEASE, world.accounts)
        async with asyncio.timeout(2):
            second, _ = await turns.claim(two, now, 4, LEASE, world.accounts)
    assert (len(first), len(second)) == (4, 2)
    assert not {c.conversation_id for c in first} & {c.conversation_id for c in second}


async def test_many_workers_claim_each_conversation_once(steps: Steps) -> None:
    for number in range(30):
        await steps.said("hi", who=f"+155501{number:02}")
    claims = [c for some in await asyncio.gather(*(steps.claim(5) for _ in range(8))) for c in some]
    claims += await steps.claim()
    assert len({c.conversation_id for c in claims}) == len(claims) == 30
    assert await steps.claim() == []


async def test_longest_due_is_claimed_first(steps: Steps) -> None:
    for number in range(3):
        await steps.said(f"n{number}", who=f"+1555010{number}")
        steps.world.clock.jump(timedelta(seconds=1))
    said = [(await steps.load(await steps.claim(1)))[0].messages[0].text for _ in range(3)]
    assert said == ["n0", "n1", "n2"]


async def test_a_newer_message_takes_the_token(steps: Steps) -> None:
    await steps.run("UPDATE accounts SET debounce_cap = '1 hour'")
    await steps.said("one")
    turn = await steps.turn()
    await steps.said("two")
    with pytest.raises(Superseded):
        await steps.commit(turn, "an answer to one")
    assert await steps.world.value("SELECT count(*) FROM turns") == 0
    assert [m.text for m in (await steps.turn()).messages] == ["one", "two"]


async def test_who_never_stops_writing_is_answered_all_the_same(steps: Steps) -> None:
    """Once the oldest has waited its full cap, a newer message no longer sends the making back."""
    await steps.said("one")
    turn = await steps.turn()
    await steps.said("two")
    await steps.commit(turn, "an answer to one")
    await steps.sent(await steps.fly())
    assert [m.text for m in (await steps.turn()).messages] == ["two"]


async def test_the_journal_goes_on_composing_while_more_arrives(steps: Steps) -> None:
    await steps.said("one", account="journal")
    turn = await steps.turn()
    await steps.said("two", account="journal")
    assert [m.text for m in turn.messages] == ["one"]
    await steps.commit(turn, "Noted.")
    assert await steps.statuses() == ["planned"]


async def test_the_owners_word_takes_the_token(steps: Steps) -> None:
    for account in ("main", "journal"):
        await steps.said("hi", account=account)
    both = await steps.load(await steps.claim())
    for account in ("main", "journal"):
        await steps.said("it is me", account=account, from_me=True)
    for turn in both:
        with pytest.raises(Superseded):
            await steps.commit(turn, "too late")
    assert await steps.statuses() == []


async def test_after_a_lease_ran_out_the_newer_token_wins(steps: Steps) -> None:
    await steps.said("hi")
    (slow,) = await steps.load(await steps.claim(lease=timedelta(seconds=5)))
    assert await steps.claim() == []
    steps.world.clock.jump(timedelta(seconds=5))
    (quick,) = await steps.load(await steps.claim())
    assert slow.token != quick.token
    with pytest.raises(Superseded):
        await steps.commit(slow, "slow")
    await steps.commit(quick, "quick")
    with pytest.raises(Superseded):
        await steps.commit(slow, "slow")
    assert (await steps.fly()).outgoing.text == "quick"


async def test_renewal_keeps_only_what_is_still_held(steps: Steps) -> None:
    await steps.said("hi")
    await steps.said("hi", who="+15550101")
    held = {c.conversation_id: c.token for c in await steps.claim(lease=timedelta(seconds=5))}
    await steps.said("it is me", from_me=True)
    async with steps.world.ledger.light() as light:
        kept = await turns.renew(light, held, steps.world.clock.now() + LEASE)
    ana = await steps.world.value("SELECT conversation_id FROM messages WHERE direction = 'outgoing'")
    assert kept == set(held) - {ana}
    steps.world.clock.jump(timedelta(seconds=10))
    assert await steps.claim() == []


async def test_a_second_answer_is_refused_counted_and_ends_its_message(world: World) -> None:
    """Whatever forgets that a message was answered, delivery_answers remembers."""

    def breaches() -> float:
        found = metrics.REGISTRY.get_sample_value("secondme_invariant_breaches_total", {"invariant": "2"})
        assert found is not None
        return found

    await world.says("hi")
    await world.settled()
    before, asked = breaches(), len(world.mind.asked)
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE messages SET turn_id = NULL, outcome = NULL")
        await tx.execute("UPDATE conversations SET due_at = $1", world.clock.now())
    deadline = time.monotonic() + 8
    while breaches() == before:
        assert time.monotonic() < deadline, "nothing was counted"
        await asyncio.sleep(0.02)
    assert len(world.mind.asked) > asked
    await world.settled()
    assert await world.receipts() == [("failed", "turn.second_answer")]
    assert await world.value("SELECT due_at IS NULL AND lease_token IS NULL FROM conversations")
    assert await world.value("SELECT count(*) FROM deliveries") == 1
    assert world.phones.texts() == ["re: hi"]


async def test_what_was_settled_out_of_band_strands_nobody(steps: Steps) -> None:
    """Due is computed from what has no receipt: neither the newest nor the one in the middle is a watermark."""
    ids = [await steps.said(f"n{number}", account="journal") for number in range(5)]
    for settled in (ids[2], ids[4]):
        await steps.run("UPDATE messages SET outcome = 'silent', rule = 'by.hand' WHERE id = $1", settled)
    answered = []
    for _ in range(3):
        turn = await steps.answer("Noted.")
        answered += [m.text for m in turn.messages]
        assert await steps.due_at() is None, "the next one waits until this one has left"
        await steps.sent(await steps.fly())
    assert answered == ["n0", "n1", "n3"]
    assert await steps.claim() == []
    assert await steps.due_at() is None


async def test_the_newest_being_deleted_leaves_the_others_due(steps: Steps) -> None:
    await steps.said("one", id="a")
    await steps.said("two", id="b")
    await steps.world.says("", kind=Kind.DELETION, target="b")
    assert [m.text for m in (await steps.turn()).messages] == ["one"]


async def test_a_late_message_is_answered_alone_quoting_it(world: World) -> None:
    now = world.clock.now()
    await world.says("first", sent_at=now)
    await world.settled()
    times = (("and this", "new", 2), ("sent before", "late", -30))
    await world.inbox.accept(
        [
            Inbound("main", "+15550100", "Ana", id, Kind.TEXT, text, now + timedelta(seconds=seconds))
            for text, id, seconds in times
        ]
    )
    await world.settled()
    answers = [(o.text, o.quotes) for _, o in world.phones.got]
    assert answers == [("re: first", None), ("re: sent before", "late"), ("re: and this", None)]
    assert [len(turn.messages) for turn in world.mind.asked] == [1, 1, 1]


async def test_a_late_message_is_due_though_newer_ones_are_answered(steps: Steps) -> None:
    await steps.said("first")
    await steps.answer("one")
    await steps.sent(await steps.fly())
    await steps.said("sent before", id="late", sent_at=steps.world.clock.now() - timedelta(minutes=5))
    turn = await steps.turn()
    assert ([m.text for m in turn.messages], turn.overtaken) == (["sent before"], True)
    await steps.commit(turn, "two")
    assert (await steps.fly()).outgoing.quotes == "late"


async def test_together_they_are_answered_by_the_providers_time(world: World) -> None:
    now = world.clock.now()
    await world.inbox.accept(
        [
            Inbound("main", "+15550100", "Ana", f"m-{n}", Kind.TEXT, f"n{n}", now - timedelta(seconds=9 - n))
            for n in (2, 0, 1)
        ]
    )
    await world.settled()
    assert world.phones.texts() == ["re: n0", "re: n1", "re: n2"]
