"""Past its retention, and after forgetting, nothing opens any more: not with every key there is."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from secondme.domain.errors import NotFound, Rejected, SendUncertain
from secondme.domain.message import Kind
from secondme.embedded import Addresses
from secondme.stores.ledger import retention
from tests.privacy.opening import opened, where
from tests.privacy.places import keys
from tests.privacy.telling import canary
from tests.support.world import World

ANA, BEN = "+15550100", "+15550101"
HOUR = timedelta(hours=1)
RETENTION = timedelta(days=90)


async def talk(world: World, who: str = ANA, account: str = "main", name: str = canary("name")) -> None:
    """A conversation in which everything happens that leaves words behind."""

    async def says(text: str, **more: Any) -> None:
        await world.says(canary(text), who=who, account=account, name=name, **more)

    first = f"{canary('id')}-{account}-{name}"
    await says("edited", id=first)
    await says("edit", kind=Kind.EDIT, target=first)
    await says("raw", raw={"everything": canary("raw")})
    await world.settled()
    await says("reply", quotes=first)
    await says("reaction", kind=Kind.REACTION, target=first)
    for error in (SendUncertain("no answer"), Rejected("400")):
        world.phones.fails = error
        await says("unsent")
        await world.settled()
    world.phones.fails = None
    await says("late", kind=Kind.EDIT, target=first)
    await says("owner", from_me=True)
    await says("paused")
    await world.settled()


async def purge(world: World) -> None:
    """What the graph worker does every half minute."""
    await world.remembered()
    now = world.clock.now()
    async with world.ledger.transaction() as tx:
        await retention.expire_held(tx, now)
        await retention.purge_content(tx, now, RETENTION)
        await retention.purge_rows(tx, now)


SAID = [
    "deliveries.provider",
    "deliveries.text",
    "messages.raw_payload",
    "messages.reply_text",
    "messages.source",
    "messages.text",
]


async def places(world: World) -> list[str]:
    """Columns with anything of a conversation in them that opens, but for who the contacts are."""
    found = {place.split(" ")[0] for place in await opened(world.ledger) if not place.startswith("personas.")}
    return sorted(found - {"contacts.name", "identities.address"})


async def test_the_search_opens_what_is_kept(world: World) -> None:
    """And so would find what should be gone."""
    await talk(world)
    found = await opened(world.ledger)
    assert where(found, canary("")) == [
        "contacts.name", "deliveries.text", "messages.raw_payload", "messages.reply_text", "messages.source",
        "messages.text",
    ]  # fmt: skip
    assert where(found, ANA) == ["identities.address"]
    assert await places(world) == sorted([*SAID, "turns.why"])


async def test_a_clones_words_do_not_outlive_their_hour(world: World) -> None:
    await talk(world)
    await purge(world)
    assert await places(world) == sorted([*SAID, "turns.why"])
    world.clock.jump(HOUR + timedelta(minutes=2))
    await purge(world)
    assert await places(world) == []
    assert where(await opened(world.ledger), canary("")) == ["contacts.name"]
    thread = await world.threads.with_address("main", ANA)
    assert thread
    assert {item["text"] for item in thread} == {None}
    assert canary("") not in str(await world.control.export(await world.contact(ANA)))[200:]


async def test_a_journals_words_stay_for_the_retention_and_no_longer(world: World) -> None:
    await world.says(canary("diary"), account="journal")
    await world.settled()
    world.clock.jump(RETENTION - timedelta(days=1))
    await purge(world)
    assert "messages.text" in await places(world)
    world.clock.jump(timedelta(days=1, minutes=1))
    await purge(world)
    assert await places(world) == []


async def test_what_waits_for_nobody_goes_after_a_day(world: World) -> None:
    await world.says(canary("stuck"))
    await world.says(f"{canary('poison')} \ud83d")
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE conversations SET due_at = NULL")  # lost: nobody will ever compose it
    assert await places(world) == ["kept_aside.payload", "messages.source", "messages.text"]
    world.clock.jump(timedelta(hours=24, minutes=1))
    await purge(world)
    assert await places(world) == []
    assert await world.receipts() == [("silent", "message.expired")]


async def test_forgetting_takes_what_was_kept_aside_too(world: World) -> None:
    await world.says("hi")
    await world.says(f"{canary('poison')} \ud83d")
    await world.settled()
    assert "kept_aside.payload" in await places(world)
    await world.control.forget(await world.contact())
    assert await places(world) == []


async def test_forgetting_leaves_nothing_that_opens(world: World, addresses: Addresses) -> None:
    await talk(world)
    await talk(world, account="journal")
    await talk(world, BEN, name="Ben")
    contact = await world.contact(ANA)
    await world.switch.press(contact)
    await world.switch.mirror()
    receipt = await world.control.forget(contact)
    assert receipt["forgotten"] == str(contact)
    assert receipt["erased"]["messages"] > 10
    found = await opened(world.ledger)
    assert ANA not in str(found)
    assert canary("name") not in str(found)
    async with world.ledger.transaction() as tx:
        tables = await tx.fetch(
            """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND column_name IN ('user_id', 'id')"""
        )
        for table, column in tables:
            rows = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE {column}::text = $1", str(contact))
            assert rows == 0, table
    assert await world.value("SELECT count(*) FROM contacts") == 1
    with pytest.raises(NotFound):
        await world.control.find(ANA)
    assert where(found, canary("")) == [
        "deliveries.text", "messages.raw_payload", "messages.reply_text", "messages.source", "messages.text",
    ]  # fmt: skip


async def test_forgetting_removes_every_key_in_redis(world: World, addresses: Addresses) -> None:
    for _ in range(3):
        await world.says("hi")
    await world.settled()
    contact = await world.contact(ANA)
    await world.switch.press(contact)
    await world.switch.mirror()
    before = await keys("redis", addresses.redis_url or "")
    assert {f"redis PAUSE:{contact}", f"redis COUNTER:{contact}:msgs", f"redis messages:{contact}"} <= set(
        before
    )
    await world.control.forget(contact)
    await world.switch.mirror()
    after = await keys("redis", addresses.redis_url or "")
    assert [key for key in after if str(contact) in key] == []
    holding = [key for key, held in after.items() if str(contact).encode() in held]
    assert all(key.startswith("redis QUEUE:") for key in holding), "bells go after five minutes"


async def test_a_late_redelivery_is_known_and_not_answered(world: World) -> None:
    await world.says("forget me", id="late")
    await world.settled()
    await world.control.forget(await world.contact(ANA))
    assert await world.says("forget me", id="late") is None
    await asyncio.sleep(0.5)
    assert world.phones.texts() == ["re: forget me"]
    assert await world.value("SELECT count(*) FROM messages") == 0


async def test_a_late_redelivery_is_known_after_they_have_written_anew(world: World) -> None:
    """Somebody who was forgotten may write again; what was forgotten stays so."""
    await world.says("forget me", id="late")
    await world.settled()
    await world.control.forget(await world.contact(ANA))
    await world.says("hello again", id="new")
    await world.settled()
    assert await world.says("forget me", id="late") is None
    await world.says("and again", id="newer")
    await world.settled()
    assert world.phones.texts() == ["re: forget me", "re: hello again", "re: and again"]


async def test_a_deletion_erases_the_words(world: World) -> None:
    await world.says(canary("first"), id="a")
    await world.says("", kind=Kind.DELETION, target="a")
    await world.settled()
    assert where(await opened(world.ledger), canary("")) == []


async def test_a_deletion_erases_the_edits_of_it_too(world: World) -> None:
    await world.says(canary("first"), id="a")
    await world.says(canary("second"), kind=Kind.EDIT, target="a")
    await world.settled()
    await world.says(canary("third"), kind=Kind.EDIT, target="a")
    await world.says("", kind=Kind.DELETION, target="a")
    await world.settled()
    left = {
        place: text
        for place, text in (await opened(world.ledger)).items()
        if place.startswith("messages.text")
    }
    assert left == {}


async def test_nothing_of_a_person_survives_in_a_redis_that_was_flushed(
    world: World, addresses: Addresses
) -> None:
    """What is written anew after a flush is ids and states: the ledger keeps the words."""
    await talk(world)
    redis = Redis.from_url(addresses.redis_url or "")
    await redis.flushall()
    await redis.aclose()
    await world.switch.mirror()
    await world.says(canary("after"), who=BEN)
    await world.settled()
    held = b"".join((await keys("redis", addresses.redis_url or "")).values())
    assert canary("").encode() not in held
    assert ANA[1:].encode() not in held
