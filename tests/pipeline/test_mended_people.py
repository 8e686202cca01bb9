"""What befalls people and their words: accounts as configured, erasure, retention."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from secondme.domain.errors import NotSent
from secondme.domain.message import Kind, Outcome
from secondme.embedded import Addresses
from secondme.settings import Settings
from secondme.stores.ledger import people, retention
from secondme.wiring import open_app
from tests.support.world import World, _copy_of, _drop

pytestmark = pytest.mark.timeout(60)


async def test_only_a_process_that_serves_rewrites_the_accounts(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    dsn = await _copy_of(addresses.database_url or "", template)
    given = {
        "data_dir": tmp_path,
        "database_url": dsn,
        "redis_url": addresses.redis_url,
        "falkordb_url": addresses.falkordb_url,
    }

    async def opened(profile: str, *, serves: bool) -> tuple[str, timedelta | None]:
        app = await open_app(Settings.model_validate({**given, "profile": profile}), serves=serves)
        try:
            async with app.ledger.transaction() as tx:
                row = await tx.fetchrow("SELECT profile, content_window FROM accounts WHERE id = 'main'")
            return row["profile"], row["content_window"]
        finally:
            await app.close()

    try:
        assert await opened("journal", serves=True) == ("journal", None)
        assert await opened("clone", serves=False) == ("journal", None)
        assert (await opened("clone", serves=True))[0] == "clone"
    finally:
        await _drop(addresses.database_url or "", dsn)


async def test_what_was_forgotten_stays_so_for_somebody_who_is_back(world: World) -> None:
    await world.says("old", id="m1")
    await world.settled()
    await world.control.forget(await world.contact())
    await world.says("new", id="m2")
    await world.settled()
    assert await world.says("old", id="m1") is None
    await world.settled()
    assert world.phones.texts() == ["re: old", "re: new"]
    assert await world.value("SELECT count(*) FROM messages") == 1


async def test_nobody_comes_back_by_a_late_redelivery(world: World) -> None:
    await world.says("old", id="m1")
    await world.settled()
    await world.control.forget(await world.contact())
    assert await world.says("old", id="m1") is None
    assert await world.value("SELECT count(*) FROM contacts") == 0


DAY = timedelta(days=1)


async def purge(world: World) -> None:
    async with world.ledger.transaction() as tx:
        await retention.expire_held(tx, world.clock.now())
    async with world.ledger.light() as connection:
        await retention.purge_content(connection, world.clock.now(), timedelta(days=90))
        await retention.purge_rows(connection, world.clock.now())


async def test_what_its_sender_deleted_leaves_nothing_readable(world: World) -> None:
    await world.says("secret", id="a")
    await world.settled()
    await world.says("", kind=Kind.DELETION, target="a")
    assert await world.value("SELECT reply_text FROM messages WHERE content_type = 'text'") is None
    world.clock.jump(timedelta(hours=2))
    await purge(world)
    assert (
        await world.value(
            """SELECT (SELECT count(*) FROM messages WHERE coalesce(text, raw_payload, reply_text, source) IS NOT NULL)
             + (SELECT count(*) FROM deliveries WHERE coalesce(text, provider) IS NOT NULL)
             + (SELECT count(*) FROM turns WHERE why IS NOT NULL)"""
        )
        == 0
    )


async def test_what_was_kept_aside_goes_with_its_sender_and_with_a_clones_window(world: World) -> None:
    sender = world.ledger.vault.digest("address", "simulator", "+15550100")
    await world.says("hi")
    await world.settled()
    await world.says("hi", who="+15550101", account="journal")
    await world.settled()
    for account, who in (("main", sender), ("main", None), ("journal", "other")):
        await world.inbox.keep_aside(account, b"{}", "ValueError", who)
    await world.control.forget(await world.contact())
    assert await world.value("SELECT count(*) FROM kept_aside") == 2
    world.clock.jump(DAY + timedelta(minutes=1))
    await purge(world)
    assert await world.value("SELECT array_agg(address) FROM kept_aside") == ["other"]


async def test_an_item_that_cannot_be_written_is_kept_under_its_sender(world: World) -> None:
    assert await world.says("hi", kind="no\0kind") is None
    kept = await world.value("SELECT address FROM kept_aside")
    assert kept == world.ledger.vault.digest("address", "simulator", "+15550100")


async def test_a_held_message_and_its_plan_expire_with_a_receipt(world: World) -> None:
    world.phones.fails = NotSent("no network")
    message = await world.says("hi")
    await world.until("SELECT EXISTS (SELECT 1 FROM deliveries WHERE attempts > 0 AND status = 'planned')")
    mouth = next(task for task in world.tasks if "Outbox.run" in repr(task.get_coro()))
    mouth.cancel()
    await world.outbox.drain(2)
    world.clock.jump(DAY + timedelta(minutes=1))
    async with world.ledger.transaction() as tx:
        ended = await retention.expire_held(tx, world.clock.now())
    assert [(r.message_id, r.outcome, r.rule) for r in ended] == [
        (message, Outcome.SILENT, "message.expired")
    ]
    await purge(world)
    assert await world.value("SELECT count(*) FROM deliveries WHERE text IS NOT NULL") == 0
    assert await world.value("SELECT count(*) FROM conversations WHERE due_at IS NOT NULL") == 0


async def test_expiring_waits_for_whoever_has_the_conversation(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with World.open(addresses, template, tmp_path, run=False) as world:
        await world.says("hi")
        world.clock.jump(DAY + timedelta(minutes=1))

        async def expire() -> int:
            async with world.ledger.transaction() as tx:
                return len(await retention.expire_held(tx, world.clock.now()))

        async with world.ledger.transaction() as tx:
            await tx.execute("SELECT 1 FROM conversations FOR UPDATE")
            waits = asyncio.create_task(expire())
            await asyncio.sleep(0.3)
            assert not waits.done()
        assert await waits == 1


async def test_forgetting_locks_conversations_before_the_contact(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with World.open(addresses, template, tmp_path, run=False) as world:
        await world.says("hi")
        contact = await world.contact()

        async def forget() -> None:
            async with world.ledger.transaction() as tx:
                await retention.forget(tx, world.ledger.vault, contact, [], world.clock.now())

        async with world.ledger.transaction() as tx:
            await tx.execute("SELECT 1 FROM conversations FOR UPDATE")
            waits = asyncio.create_task(forget())
            await asyncio.sleep(0.3)
            # Were the contact locked already, this would wait for somebody who waits for us.
            await tx.execute("SELECT 1 FROM contacts FOR UPDATE NOWAIT")
        await waits
        assert await world.value("SELECT count(*) FROM contacts") == 0


async def test_meeting_somebody_known_locks_no_conversation(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with World.open(addresses, template, tmp_path, run=False) as world:
        await world.says("hi")
        vault, account = world.ledger.vault, world.accounts["main"]
        digest = vault.digest("address", "simulator", "+15550100")
        where = people.Address(account, "simulator", digest, "+15550100", None)
        async with world.ledger.transaction() as tx:
            await tx.execute("SELECT 1 FROM conversations FOR UPDATE")
            async with world.ledger.transaction() as other:
                await other.execute("SET LOCAL lock_timeout = '500ms'")
                (whom,) = await people.resolve(other, vault, [where], world.clock.now())
        assert whom.conversation_id == await world.value("SELECT id FROM conversations")
