"""What goes, and when; and that somebody who is forgotten is gone."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from secondme.domain.errors import ConfigError
from secondme.stores.ledger import retention
from tests.stores.ledger.conftest import Steps

KEPT = timedelta(days=30)  # SECONDME_RETENTION
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CONTENT = """SELECT
    (SELECT count(*) FROM messages
     WHERE coalesce(text, raw_payload, reply_text, source) IS NOT NULL OR erased_at IS NULL) AS messages,
    (SELECT count(*) FROM deliveries WHERE coalesce(text, provider) IS NOT NULL) AS deliveries,
    (SELECT count(*) FROM turns WHERE why IS NOT NULL) AS turns"""


async def answered(steps: Steps, account: str = "main", **more: Any) -> datetime:
    """A message and its answer, both ended; returns when."""
    await steps.said("hi", account=account, raw={"text": "hi"}, **more)
    await steps.answer("hello", "again")
    for _ in range(2):
        await steps.sent(await steps.fly(), f"wamid-{account}")
    return steps.world.clock.now()


async def purged(steps: Steps, at: datetime) -> tuple[int, ...]:
    """What still has content after a purge at that time, of what was remembered: messages, deliveries, turns."""
    await steps.world.remembered()
    async with steps.world.ledger.transaction() as tx:
        await retention.expire_held(tx, at)
        await retention.purge_content(tx, at, KEPT)
    (row,) = await steps.rows(CONTENT)
    return tuple(row)


async def test_the_clones_content_goes_one_hour_after_the_receipt(steps: Steps) -> None:
    settled = await answered(steps)
    assert await purged(steps, settled + HOUR - MINUTE) == (1, 2, 1)
    assert await purged(steps, settled + HOUR + MINUTE) == (0, 0, 0)
    # The receipt stays.
    assert await steps.world.receipts() == [("replied", "by.hand")]


async def test_what_is_still_waiting_keeps_the_talk_for_a_day_at_most(steps: Steps) -> None:
    settled = await answered(steps)
    steps.world.clock.jump(timedelta(minutes=30))
    await steps.said("still there?")
    assert await purged(steps, settled + 23 * HOUR) == (2, 2, 1)
    (arrived,) = await steps.rows("SELECT min(created_at) AS at FROM messages")
    assert await purged(steps, arrived["at"] + DAY + timedelta(seconds=1)) == (1, 0, 0)
    assert await steps.world.receipts() == [("replied", "by.hand"), (None, None)]
    assert await purged(steps, arrived["at"] + DAY + HOUR) == (0, 0, 0)
    assert await steps.world.receipts() == [("replied", "by.hand"), ("silent", "message.expired")]


async def test_what_is_not_yet_remembered_is_kept_for_a_day_at_most(steps: Steps) -> None:
    settled = await answered(steps)
    (arrived,) = await steps.rows("SELECT min(created_at) AS at FROM messages")

    async def left(at: datetime) -> int:
        async with steps.world.ledger.transaction() as tx:
            await retention.purge_content(tx, at, KEPT)
        return int(await steps.world.value("SELECT count(*) FROM messages WHERE text IS NOT NULL"))

    assert await left(settled + 2 * HOUR) == 1
    assert await left(arrived["at"] + DAY - MINUTE) == 1
    assert await left(arrived["at"] + DAY + MINUTE) == 0


async def test_somebody_elses_waiting_keeps_nothing(steps: Steps) -> None:
    settled = await answered(steps)
    await steps.said("hello?", who="+15550101")
    assert await purged(steps, settled + HOUR + MINUTE) == (1, 0, 0)


async def test_a_held_message_expires_after_a_day_and_is_not_composed(steps: Steps) -> None:
    await steps.said("hi")
    (arrived,) = await steps.rows("SELECT created_at FROM messages")
    await purged(steps, arrived["created_at"] + DAY - MINUTE)
    assert await steps.world.receipts() == [(None, None)]
    await purged(steps, arrived["created_at"] + DAY + MINUTE)
    assert await steps.world.receipts() == [("silent", "message.expired")]
    assert await steps.load(await steps.claim()) == []


async def test_support_and_journal_keep_theirs_for_the_retention(steps: Steps) -> None:
    settled = await answered(steps, "journal")
    await steps.said("waits", account="journal")
    assert await purged(steps, settled + KEPT - HOUR) == (2, 2, 1)
    assert await purged(steps, settled + KEPT + HOUR) == (0, 0, 0)
    assert (await steps.world.receipts())[-1] == (None, None)


async def test_the_owners_own_words_go_too(steps: Steps) -> None:
    await steps.said("I am in the bath", from_me=True)
    now = steps.world.clock.now()
    assert await purged(steps, now + HOUR - MINUTE) == (1, 0, 0)
    assert await purged(steps, now + HOUR + MINUTE) == (0, 0, 0)


async def test_a_plan_keeps_its_words_until_it_is_sent_back(steps: Steps) -> None:
    await steps.said("hi")
    await steps.answer("hello")
    late = steps.world.clock.now() + 25 * HOUR
    async with steps.world.ledger.transaction() as tx:
        assert await retention.purge_content(tx, late, KEPT) == 0
    assert await purged(steps, late - 2 * HOUR) == (1, 1, 1)
    assert await purged(steps, late) == (0, 0, 0)
    assert await steps.statuses() == ["withdrawn"]
    assert await steps.world.receipts() == [("silent", "message.expired")]


async def test_emptied_rows_go_after_a_month_and_open_ones_never(steps: Steps) -> None:
    settled = await answered(steps)
    await purged(steps, settled + 2 * HOUR)
    await steps.said("kept", account="journal")
    contact = await steps.world.contact()
    await steps.run(
        "INSERT INTO tombstones VALUES ('old', $1), ('standing', $2)", settled + DAY, settled + 60 * DAY
    )
    await steps.run(
        """INSERT INTO pauses (id, user_id, reason, since, until) VALUES
           (gen_random_uuid(), $1, 'owner_word', $2, $2), (gen_random_uuid(), NULL, 'switch', $2, NULL)""",
        contact,
        settled,
    )
    # The clone's is content as any other: it stays a day. What is delivered again is kept once.
    for account, payload in (("main", b"?"), ("journal", b"?"), ("journal", b"!"), ("journal", b"!")):
        await steps.world.inbox.keep_aside(account, payload, "Why")
    tables = ("messages", "turns", "deliveries", "tombstones", "pauses", "kept_aside")
    for at, left in (
        (settled + 23 * HOUR, [2, 1, 2, 2, 2, 3]),
        (settled + 29 * DAY, [2, 1, 2, 1, 2, 2]),
        (settled + 31 * DAY, [1, 0, 0, 1, 1, 0]),
    ):
        async with steps.world.ledger.transaction() as tx:
            await retention.purge_rows(tx, at)
        assert [await steps.world.value(f"SELECT count(*) FROM {table}") for table in tables] == left
    assert await steps.world.value("SELECT digest FROM tombstones") == "standing"
    assert await steps.world.value("SELECT reason FROM pauses") == "switch"


async def dump(steps: Steps) -> bytes:
    """Every row of every table, as a copy of the database holds it."""
    connection = await asyncpg.connect(steps.world.dsn)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tombstones'"
        )
        parts = []
        for (table,) in tables:
            rows = await connection.fetch(f"SELECT t::text FROM {table} t")
            parts += [row[0].encode() for row in rows]
        return b"\n".join(parts)
    finally:
        await connection.close()


async def test_forgetting_erases_every_row_and_the_key(steps: Steps) -> None:
    await answered(steps, id="m-1")
    await answered(steps, "journal", id="m-2")
    await steps.said("I am here", from_me=True)
    await steps.said("somebody else", who="+15550101")
    world = steps.world
    contact = await world.contact()
    before = await dump(steps)
    assert str(contact).encode() in before
    receipt = await world.control.forget(contact)
    assert receipt["erased"] == {"messages": 3, "deliveries": 4, "voice examples": 0}
    after = await dump(steps)
    assert str(contact).encode() not in after
    (row,) = await steps.rows("SELECT id, key FROM contacts")
    assert row["id"] == await world.contact("+15550101")
    assert await world.value("SELECT count(*) FROM turns") == 0
    with pytest.raises(ConfigError):
        world.ledger.vault.ring.unwrap(row["key"], f"contacts:{contact}:key")


async def test_what_is_redelivered_after_forgetting_is_known_and_not_answered(steps: Steps) -> None:
    for number in range(3):
        await steps.said("hi", id=f"m-{number}")
    await steps.said("hi", id="m-0", account="journal")
    await steps.world.control.forget(await steps.world.contact())
    for number in (0, 1, 2, 0, 1):
        assert await steps.world.says("hi", id=f"m-{number}") is None
    assert await steps.world.says("hi", id="m-0", account="journal") is None
    assert await steps.world.value("SELECT count(*) FROM messages") == 0
    assert await steps.claim() == []
    # What is new is a stranger's first word, and what is old is still known after it.
    await steps.said("hello", id="m-9")
    assert await steps.world.says("hi", id="m-1") is None
    assert await steps.world.value("SELECT count(*) FROM messages") == 1


async def test_a_redelivery_does_not_bring_the_person_back(steps: Steps) -> None:
    await steps.said("hi", id="m-1")
    await steps.world.control.forget(await steps.world.contact())
    await steps.world.says("hi", id="m-1")
    assert await steps.rows("SELECT id FROM contacts") == []


async def test_a_tombstone_falls_after_eight_days(steps: Steps) -> None:
    await steps.said("hi", id="m-1")
    await steps.world.control.forget(await steps.world.contact())
    steps.world.clock.jump(8 * DAY - MINUTE)
    assert await steps.world.says("hi", id="m-1") is None
    steps.world.clock.jump(2 * MINUTE)
    assert await steps.world.says("hi", id="m-1") is not None


async def test_an_export_is_everything_opened(steps: Steps) -> None:
    await answered(steps)
    await steps.said("I am here", from_me=True)
    await steps.said("dear journal", account="journal")
    await steps.said("not hers", who="+15550101", name="Ben")
    found = await steps.world.control.export(await steps.world.contact())
    assert (found["name"], found["address"]) == ("Ana", "+15550100")
    assert found["accounts"] == {"main": {"enabled": True}, "journal": {"enabled": True}}
    lines = {account: [(m["by"], m["text"]) for m in some] for account, some in found["messages"].items()}
    assert lines == {
        "main": [("contact", "hi"), ("bot", "hello"), ("bot", "again"), ("owner", "I am here")],
        "journal": [("contact", "dear journal")],
    }
