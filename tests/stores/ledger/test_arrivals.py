"""What arrives is written once, whoever brings it, however often and together with whatever."""

import asyncio
from datetime import timedelta
from typing import Any

from secondme.domain.message import Inbound, Kind
from secondme.stores.ledger import due, people
from secondme.stores.vault import unseal
from tests.stores.ledger.conftest import Steps
from tests.support.ears import another_gateway
from tests.support.world import World

PEOPLE = ("contacts", "identities", "conversations")


def item(world: World, text: str, id: str, who: str = "+15550100", **more: Any) -> Inbound:
    return Inbound("main", who, "Ana", id, Kind.TEXT, text, world.clock.now(), **more)


async def counted(steps: Steps) -> list[int]:
    return [await steps.world.value(f"SELECT count(*) FROM {table}") for table in PEOPLE]


async def test_concurrent_first_messages_make_one_contact(steps: Steps) -> None:
    world = steps.world
    async with another_gateway(world) as other:
        taken = await asyncio.gather(
            *(
                inbox.accept([item(world, f"n{number}", f"{name}-{number}")])
                for number in range(20)
                for name, inbox in (("one", world.inbox), ("two", other))
            )
        )
    assert all(accepted.new for (accepted,) in taken)
    assert await counted(steps) == [1, 1, 1]
    assert await world.value("SELECT count(*) FROM messages") == 40


async def test_who_is_being_met_elsewhere_is_waited_for(steps: Steps) -> None:
    """Nothing collides on a unique key: the second transaction finds whom the first has made."""
    ledger, now = steps.world.ledger, steps.world.clock.now()
    where = people.Address(steps.world.accounts["main"], "simulator", "a-digest", "+15550100", "Ana")
    async with ledger.transaction() as two:
        async with ledger.transaction() as one:
            (first,) = await people.resolve(one, ledger.vault, [where], now)
            second = asyncio.create_task(people.resolve(two, ledger.vault, [where], now))
            await asyncio.sleep(0.2)
            assert not second.done()
        assert await second == [first]


async def test_the_same_message_at_two_gateways_is_one(steps: Steps) -> None:
    world = steps.world
    async with another_gateway(world) as other:
        taken = await asyncio.gather(
            *(
                inbox.accept([item(world, "hi", f"m-{number}")])
                for number in range(10)
                for inbox in (world.inbox, other)
            )
        )
    assert sum(accepted.new for (accepted,) in taken) == 10
    assert len({accepted.message_id for (accepted,) in taken}) == 10
    assert await world.value("SELECT count(*) FROM messages") == 10


async def test_a_message_twice_in_one_body_is_one(steps: Steps) -> None:
    first, again = await steps.world.inbox.accept(
        [item(steps.world, "hi", "m"), item(steps.world, "hi", "m")]
    )
    assert (first.new, again.new) == (True, False)
    assert first.message_id == again.message_id


async def test_a_repeated_message_makes_nothing_due(steps: Steps) -> None:
    await steps.said("hi", id="m")
    await steps.answer()
    before = await steps.rows("SELECT due_at, last_inbound_at FROM conversations")
    await steps.said("hi", id="m")
    assert await steps.rows("SELECT due_at, last_inbound_at FROM conversations") == before
    assert before[0]["due_at"] is None


async def test_one_phone_on_two_accounts_is_one_contact(steps: Steps) -> None:
    await steps.said("hi")
    await steps.said("hi", account="journal")
    assert await counted(steps) == [1, 1, 2]


async def test_a_poison_item_is_kept_aside_and_its_batch_goes_on(steps: Steps) -> None:
    world = steps.world
    poison = item(world, "bad \ud800", "poison", raw={"text": "half a pair: \ud800"})
    batch = [item(world, "before", "a"), poison, item(world, "after", "b")]
    first, kept, last = await world.inbox.accept(batch)
    assert (first.new, kept.new, kept.message_id, last.new) == (True, False, None, True)
    assert await world.value("SELECT count(*) FROM messages") == 2
    (row,) = await steps.rows("SELECT * FROM kept_aside")
    assert (row["account_id"], row["error"]) == ("main", "UnicodeEncodeError")
    opened = unseal(world.ledger.vault.owner_key, row["payload"], f"kept_aside:{row['id']}:payload")
    assert "half a pair" in opened
    assert b"half a pair" not in row["payload"]


async def test_poison_in_somebody_elses_body_harms_nobody(steps: Steps) -> None:
    """What arrives within a moment is one group: each sender gets their own answer."""
    world = steps.world
    bodies = [[item(world, "fine", f"m-{n}", f"+1555010{n}")] for n in range(5)]
    bodies.insert(2, [item(world, "\ud800", "poison")])
    taken = await asyncio.gather(*(world.inbox.accept(body) for body in bodies))
    assert [accepted.new for (accepted,) in taken] == [True, True, False, True, True, True]
    assert await counted(steps) == [5, 5, 5]


async def test_due_is_the_debounce_after_the_last_and_the_cap_after_the_first(steps: Steps) -> None:
    profile = steps.world.accounts["main"].profile
    await steps.said("hi")
    for _ in range(12):
        (row,) = await steps.rows("SELECT min(created_at) AS first, max(created_at) AS last FROM messages")
        expected = min(row["last"] + profile.debounce, row["first"] + profile.debounce_cap)
        assert await steps.due_at() == expected
        steps.world.clock.jump(profile.debounce_cap / 10)
        await steps.said("and")
    (row,) = await steps.rows("SELECT min(created_at) AS first FROM messages")
    assert await steps.due_at() == row["first"] + profile.debounce_cap


async def test_what_is_due_is_what_recomputing_it_says(steps: Steps) -> None:
    """Messages that wait, are being thought of, planned for, in flight or held back: one after the other."""

    async def agrees(account: str) -> None:
        question = "SELECT id, due_at, not_before, attempts, claims FROM conversations WHERE account_id = $1"
        async with steps.world.ledger.transaction() as tx:
            before = await tx.fetch(question, account)
            await due.recompute(tx, [row["id"] for row in before])
            assert await tx.fetch(question, account) == before
        assert len(before) == 1

    for account in ("main", "journal"):
        for text in ("hi", "and", "more"):
            await steps.said(text, account=account)
            await agrees(account)
            steps.world.clock.jump(timedelta(milliseconds=20))
        turn = await steps.turn()
        await steps.said("while it is thought of", account=account)
        await agrees(account)
        await steps.commit(turn, "well")
        await steps.said("while it is planned", account=account)
        await agrees(account)
        await steps.run("UPDATE conversations SET not_before = now() + interval '1 hour', attempts = 1")
        await steps.said("while it is held", account=account)
        await agrees(account)
        await steps.run("UPDATE messages SET outcome = 'silent', rule = 'by.hand', settled_at = now()")
        await steps.run(
            "UPDATE conversations SET due_at = NULL, not_before = NULL, lease_token = NULL, lease_until = NULL"
        )
