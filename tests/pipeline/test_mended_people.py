"""What befalls people and their words: accounts as configured, erasure, retention."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from secondme.domain.errors import Ambiguous, NotFound, NotSent, SendUncertain
from secondme.domain.message import Kind, Outcome
from secondme.embedded import Addresses
from secondme.owner import control
from secondme.pipeline import inbox
from secondme.settings import Settings
from secondme.stores.ledger import people, retention
from secondme.wiring import open_app
from tests.support.stores import copy_of
from tests.support.world import World, drop_database

pytestmark = pytest.mark.timeout(60)


async def test_only_a_process_that_serves_rewrites_the_accounts(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    dsn = await copy_of(addresses.database_url or "", template)
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
            assert row is not None
            return row["profile"], row["content_window"]
        finally:
            await app.close()

    try:
        assert await opened("journal", serves=True) == ("journal", None)
        assert await opened("clone", serves=False) == ("journal", None)
        assert (await opened("clone", serves=True))[0] == "clone"
    finally:
        await drop_database(addresses.database_url or "", urlsplit(dsn).path[1:])


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


async def test_nobody_comes_back_by_an_echo_of_what_we_said(world: World) -> None:
    """Known by the provider's id or, where its answer never came, by ours, which the echo brings back."""
    await world.says("hi")
    await world.settled()
    world.phones.fails = SendUncertain("no answer")
    await world.says("and")
    await world.settled()
    ids = await world.value("SELECT array_agg(id ORDER BY seq) FROM deliveries WHERE kind = 'text'")
    await world.control.forget(await world.contact())
    echoes = ({"text": "re: hi", "id": f"phone-{ids[0]}"}, {"text": "re: and", "callback": str(ids[1])})
    for echo in echoes:
        assert await world.says(**echo, from_me=True, name=None) is None
    assert await world.value("SELECT count(*) FROM contacts") == 0
    assert await world.value("SELECT count(*) FROM pauses WHERE user_id IS NOT NULL") == 0


DAY = timedelta(days=1)


async def purge(world: World) -> None:
    await world.remembered()
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


async def test_one_contact_is_opened_for_a_question_about_one(world: World) -> None:
    """A key that cannot be unwrapped stops whoever opens it."""
    await world.says("hi")
    await world.says("hi", who="+15550101")
    await world.settled()
    ana = await world.contact()
    vault = world.ledger.vault
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE contacts SET name = 'damaged' WHERE id <> $1", ana)
        (row,) = await people.rows_of(tx, vault, ana)
        assert await people.one(tx, vault, row.conversation_id) == row
        assert await people.one(tx, vault, uuid4()) is None
    exported = await world.control.export(ana)
    assert [line["text"] for line in exported["messages"]["main"]] == ["hi", "re: hi"]
    with pytest.raises(NotFound):
        await world.control.export(uuid4())


async def test_a_strangers_name_selects_nobody(world: World) -> None:
    """Contacts choose their names: one who is called like one word of a friend's must not be taken for the friend."""
    await world.says("hi", name="Ana Ruiz")
    await world.says("hi", who="+15550666", name="Ana")
    with pytest.raises(Ambiguous, match=re.escape("+15550100")):
        await world.control.find("ana")
    (friend,) = await world.control.find("ana ruiz")
    assert friend.address == "+15550100"


async def test_a_long_thread_is_exported_whole_and_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await world.says(f"{number}", account="journal")
    await world.settled()
    whole = await world.control.export(await world.contact())
    monkeypatch.setattr(control, "_PAGE", 2)
    assert await world.control.export(await world.contact()) == whole
    assert len(whole["messages"]["journal"]) == 10


async def test_a_time_that_lies_ahead_holds_nothing_back(world: World) -> None:
    await world.says("from the future", sent_at=world.clock.now() + timedelta(days=400))
    await world.settled()
    assert await world.value("SELECT answered_until FROM conversations") <= world.clock.now()


async def test_who_is_remembered_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_REMEMBERED", 2)
    for number in range(6):
        await world.says("hi", who=f"+1555010{number}")
    assert len(world.inbox._known) <= 3


async def test_a_deletion_or_edit_that_comes_first_still_holds(world: World) -> None:
    await world.says("", kind=Kind.DELETION, target="a")
    await world.says("second", kind=Kind.EDIT, target="b")
    await world.says("not mine", kind=Kind.DELETION, target="b", who="+15550101")
    await world.says("secret", id="a")
    await world.says("first", id="b")
    await world.settled()
    assert world.phones.texts() == ["re: second"]
    assert await world.receipts() == [
        ("silent", "message.deletion"),
        ("silent", "message.edit"),
        ("silent", "message.deletion_unknown"),
        ("silent", "message.deleted"),
        ("replied", "contact.enabled"),
    ]
