"""What once went wrong between a claim and its commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from secondme.domain.turn import Draft, Part
from secondme.embedded import Addresses
from secondme.pipeline import turns
from secondme.pipeline.compose import checked
from secondme.pipeline.turns import LEASE, end_unserved
from secondme.services import Runner, Service
from secondme.stores.ledger import turns as statements
from tests.support.world import World

WAITING = """SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'"""
LEASED = "SELECT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)"


@pytest_asyncio.fixture
async def still(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """Ears only; the test claims by hand."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        yield world


async def claims(world: World) -> int:
    """Claim what is due a second from now, and wait for what comes of it."""
    world.clock.offset += timedelta(seconds=1)
    claimed = await world.turns.claim_once()
    await asyncio.gather(*world.turns._running.values())
    return claimed


async def test_an_account_that_is_gone_is_never_claimed(world: World) -> None:
    """It span, and where there were enough of it nobody else was answered."""
    served = {"main": world.accounts["main"]}
    world.turns._accounts = served
    await world.says("dear diary", account="journal")
    await asyncio.sleep(0.5)
    assert await world.value("SELECT max(claims) FROM conversations") == 0
    await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM messages WHERE outcome = 'replied')")
    await end_unserved(world.ledger, served, world.turns._effects, world.clock)
    assert await world.receipts() == [("silent", "account.gone"), ("replied", "contact.enabled")]


async def test_plans_of_an_account_that_is_gone_are_withdrawn(world: World) -> None:
    world.outbox._channels = {}
    await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned')")
    served = {"journal": world.accounts["journal"]}
    await end_unserved(world.ledger, served, world.turns._effects, world.clock)
    assert await world.receipts() == [("silent", "account.gone")]
    assert await world.value("SELECT count(*) FROM deliveries WHERE status = 'planned'") == 0


async def test_unfinished_turns_are_given_back_at_a_stop(world: World) -> None:
    """Their contacts waited out a lease that nobody held any more."""
    world.mind.seconds = 30
    await world.says("hi")
    await world.until(LEASED)
    left = await world.turns.drain(0.1)
    assert left == [str(await world.value("SELECT id FROM conversations"))]
    assert await world.value("SELECT lease_token IS NULL AND due_at IS NOT NULL FROM conversations")


async def test_a_stop_waits_for_the_claim_under_way(still: World) -> None:
    await still.says("hi")
    still.clock.jump(timedelta(seconds=1))
    other = await asyncpg.connect(still.dsn)
    async with other.transaction():
        await other.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        claiming = asyncio.create_task(still.turns.claim_once())
        await still.until("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        stopping = asyncio.create_task(still.turns.drain(5))
        await asyncio.sleep(0.1)
        assert not stopping.done()
    await other.close()
    assert await claiming == 1
    assert await stopping == []
    assert await still.value("SELECT count(*) FROM turns") == 1
    assert await still.turns.claim_once() == 0


async def test_a_commit_is_not_cancelled_by_its_own_success(world: World) -> None:
    """A renewal that waited for the commit found the token gone, and cancelled what had just been committed."""
    world.mind.seconds = 0.2
    await world.says("hi")
    await world.until(LEASED)
    other = await asyncpg.connect(world.dsn)
    async with other.transaction():
        await other.execute("SELECT 1 FROM conversations FOR UPDATE")
        await world.until(f"SELECT ({WAITING}) > 0")
        await asyncio.sleep(turns.RENEW_EVERY * 1.2)
        assert await world.value(WAITING) == 1
    await other.close()
    await world.settled()
    assert world.phones.texts() == ["re: hi"]


async def test_leases_are_kept_on_after_a_turn_has_ended_during_a_renewal(world: World) -> None:
    """What it no longer holds has lost its lease to nobody: to cancel it would end the renewing of all others."""
    for who in ("+15550100", "+15550101"):
        await world.says("hi", who=who)
    await world.settled()
    long, short = sorted((row.conversation_id, row.address) for row in await world.control.everyone())
    for (_, who), seconds in ((long, 30.0), (short, 2.5)):
        world.mind.seconds, asked = seconds, len(world.mind.asked)
        await world.says("and", who=who)
        async with asyncio.timeout(5):
            while len(world.mind.asked) == asked:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    other = await asyncpg.connect(world.dsn)
    async with other.transaction():
        await other.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", long[0])
        await world.until(f"SELECT ({WAITING}) > 0")
        await world.until("SELECT count(*) = 3 FROM messages WHERE outcome = 'replied'")
    await other.close()
    until = await world.value("SELECT lease_until FROM conversations WHERE id = $1", long[0])
    for _ in range(2):
        await world.until(f"SELECT lease_until > '{until}' FROM conversations WHERE id = '{long[0]}'")
        until = await world.value("SELECT lease_until FROM conversations WHERE id = $1", long[0])


async def test_renewal_locks_in_id_order(still: World) -> None:
    for number in range(6):
        await still.says("hi", who=f"+1555010{number}")
    still.clock.jump(timedelta(seconds=1))
    async with still.ledger.transaction() as tx:
        held, _ = await statements.claim(tx, still.clock.now(), 9, LEASE, still.accounts)
    tokens = {c.conversation_id: c.token for c in sorted(held, key=lambda c: c.conversation_id, reverse=True)}
    *later, first = tokens
    other = await asyncpg.connect(still.dsn)
    async with other.transaction():
        await other.execute("SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE", first)
        async with still.ledger.light() as light:
            renewal = asyncio.create_task(statements.renew(light, tokens, still.clock.now() + LEASE))
            await still.until(f"SELECT ({WAITING}) > 0")
            await other.execute("SELECT 1 FROM conversations WHERE id = ANY($1) FOR UPDATE NOWAIT", later)
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
    await other.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE contacts SET name = repeat('x', 40)::bytea WHERE id = $1",
        "UPDATE contacts SET key = repeat('x', 80)::bytea WHERE id = $1",
        "UPDATE messages SET text = 'x'::bytea WHERE user_id = $1",
    ],
)
async def test_one_damaged_row_harms_nobody_else(still: World, damage: str) -> None:
    await still.says("damaged")
    contact = await still.contact()
    await still.says("whole", who="+15550101")
    async with still.ledger.transaction() as tx:
        await tx.execute(damage, contact)
    assert await claims(still) == 2
    assert await still.receipts() == [("failed", "message.unreadable_seal"), (None, None)]
    assert await still.value("SELECT count(*) FROM deliveries WHERE kind = 'text'") == 1
    assert await claims(still) == 0


async def test_no_more_is_claimed_than_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited for a place had a lease that nobody renewed."""
    monkeypatch.setattr(turns, "_AT_ONCE", 2)
    world.mind.seconds = 0.4
    for number in range(5):
        await world.says("hi", who=f"+1555010{number}")
    await world.until(LEASED)
    most = 0
    while await world.value("SELECT EXISTS (SELECT 1 FROM messages WHERE turn_id IS NULL)"):
        most = max(
            most, await world.value("SELECT count(*) FROM conversations WHERE lease_token IS NOT NULL")
        )
    assert most == 2
    await world.settled()
    assert len(world.phones.got) >= 5


async def test_services_are_drained_ears_first_and_mouth_last() -> None:
    """Whatever the order in which they were named; and the servers take nothing while the rest is drained."""
    order: list[str] = []

    async def web(scope: Any, receive: Any, send: Any) -> None: ...

    def service(name: str) -> Service:
        async def drain(seconds: float) -> list[str]:
            open_still = sum(not t.done() for t in runner._tasks if t.get_name().endswith(".web"))
            order.append(f"{name} {open_still}")
            return [name]

        return Service(name, 0, web, [], drain)

    runner = Runner(None, [service(n) for n in ("gateway", "orchestrator", "dashboard")])  # type: ignore[arg-type]
    await runner.start()
    assert await runner.stop() == ["dashboard", "orchestrator", "gateway"]
    assert order == ["dashboard 3", "orchestrator 0", "gateway 0"]


async def test_a_flood_costs_no_more_than_what_is_taken_of_it(still: World) -> None:
    """Each message looked at every other of its minute: minutes of work for an hour of somebody's fun."""
    await still.says("hi")
    async with still.ledger.transaction() as tx:
        await tx.execute(
            """INSERT INTO messages (id, user_id, identity_id, conversation_id, account_id, created_at,
                 client_timestamp, direction, content_type, source_message_id)
               SELECT gen_random_uuid(), user_id, identity_id, conversation_id, account_id,
                 created_at + n * interval '1 ms', client_timestamp + n * interval '1 ms', direction, content_type,
                 source_message_id || n FROM messages, generate_series(1, 15000) AS n"""
        )
    now = still.clock.now() + timedelta(minutes=1)
    async with asyncio.timeout(4), still.ledger.transaction() as tx:
        held, _ = await statements.claim(tx, now, 9, LEASE, still.accounts)
    ((turn,), _) = statements.opened(still.ledger.vault, held, still.accounts, now)
    assert [m.recent_count for m in turn.messages] == list(range(1, 51))


async def _recent(still: World, later: timedelta) -> list[int]:
    """The counts that come with the one Turn that is due so much later, whoever leased it before."""
    now = still.clock.now() + later
    async with still.ledger.transaction() as tx:
        held, _ = await statements.claim(tx, now, 9, LEASE, still.accounts)
    ((turn,), _) = statements.opened(still.ledger.vault, held, still.accounts, now)
    return [m.recent_count for m in turn.messages]


async def test_the_minutes_count_slides(still: World) -> None:
    """Also over what has been answered, and one by one where several came at once."""
    await still.says("answered")
    assert await claims(still) == 1
    await still.says("within the minute")
    async with still.ledger.transaction() as tx:
        await tx.execute(
            "UPDATE messages SET created_at = created_at - interval '60 s' WHERE turn_id IS NOT NULL"
        )
        await tx.execute("DELETE FROM delivery_answers")
        await tx.execute("DELETE FROM deliveries")
    await still.says("and another")
    async with still.ledger.transaction() as tx:
        await tx.execute(
            """UPDATE messages SET created_at = first + interval '60 s' - interval '1 us'
               FROM (SELECT min(created_at) AS first FROM messages) AS f WHERE turn_id IS NULL"""
        )
    assert await _recent(still, timedelta(minutes=1)) == [2, 3]
    async with still.ledger.transaction() as tx:
        await tx.execute(
            "UPDATE messages SET created_at = created_at + interval '1 us' WHERE turn_id IS NULL"
        )
    assert await _recent(still, timedelta(minutes=2)) == [1, 2]


async def test_half_a_picture_from_a_model_is_left_out(world: World) -> None:
    """No store can keep it; ten minds were asked before the message ended failed."""
    await world.says("hi")
    await world.settled()
    turn = world.mind.asked[0]
    draft = Draft((Part("well \ud83d done\x00", turn.messages[0].id),), "a model")
    assert [part.text for part in checked(draft, turn).parts] == ["well  done"]
