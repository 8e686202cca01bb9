"""A person known by number, by the provider's id, or by both stays one contact; two persons stay two."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from secondme.domain.message import Inbound, Kind
from secondme.embedded import Addresses
from secondme.observe.audit import AuditLog
from secondme.pipeline.effects import Effects
from secondme.pipeline.inbox import Inbox
from secondme.profiles import PROFILES
from tests.support.world import World

NUMBER, OTHER_NUMBER = "+16505551234", "+16505551235"
USER, OTHER_USER = "US.13491208655302741918", "US.2"


async def hears(world: World, address: str, also: str | None = None, account: str = "main") -> UUID:
    """Somebody writes under these addresses; returns their contact."""
    item = Inbound(account, address, "Ana", f"p-{uuid4()}", Kind.TEXT, "hi", world.clock.now(), also=also)
    accepted = (await world.inbox.accept([item]))[0].message_id
    contact = await world.value("SELECT user_id FROM messages WHERE id = $1", accepted)
    assert isinstance(contact, UUID)
    return contact


async def people(world: World) -> int:
    return int(await world.value("SELECT count(*) FROM contacts"))


PATHS = [
    ((NUMBER, None), (NUMBER, USER), (USER, None)),
    ((USER, None), (NUMBER, USER), (NUMBER, None)),
    ((NUMBER, USER), (NUMBER, None), (USER, None)),
    ((NUMBER, USER), (USER, None), (NUMBER, None)),
]


@pytest.mark.parametrize("path", PATHS)
async def test_either_address_leads_to_one_contact(
    world: World, path: tuple[tuple[str, str | None], ...]
) -> None:
    found = [await hears(world, address, also) for address, also in path]
    assert len(set(found)) == 1
    assert await people(world) == 1
    assert await world.value("SELECT count(*) FROM conversations") == 1
    for wanted in (NUMBER, USER):
        (row,) = await world.control.find(wanted)
        assert (row.id, row.address, row.also) == (found[0], NUMBER, USER), "the owner sees the number"
    export = await world.control.export(found[0])
    assert (export["address"], export["also"]) == (NUMBER, USER)


async def test_what_was_paused_by_number_stays_paused_by_id(world: World) -> None:
    contact = await hears(world, NUMBER)
    await world.settled()
    await world.switch.press(contact)
    await hears(world, NUMBER, USER)
    await hears(world, USER)
    await world.settled()
    assert (await world.receipts())[1:] == [("silent", "contact.paused")] * 2


async def test_many_first_messages_at_once_make_one(world: World) -> None:
    pairs = [(NUMBER, None), (USER, None), (NUMBER, USER)] * 6
    items = [
        Inbound("main", address, None, f"p-{n}", Kind.TEXT, "hi", world.clock.now(), also=also)
        for n, (address, also) in enumerate(pairs)
    ]
    await world.inbox.accept(items)
    assert await people(world) == 1


async def test_many_at_once_one_by_one_lose_nobody(world: World) -> None:
    await hears(world, NUMBER, USER)
    await asyncio.gather(
        *(hears(world, *pair) for pair in [(NUMBER, None), (USER, None), (NUMBER, USER)] * 6)
    )
    assert await people(world) == 1


async def test_a_number_that_somebody_else_has_now_is_theirs(world: World) -> None:
    """Meta makes a new id where a person changes: who shows another one with the number is not who had it."""
    before = await hears(world, NUMBER, USER)
    now = await hears(world, NUMBER, OTHER_USER)
    assert now != before
    assert await hears(world, NUMBER) == now
    assert await hears(world, USER) == before
    assert {row.address for row in await world.control.everyone()} == {NUMBER, USER}


async def test_of_two_that_were_one_the_one_with_the_id_goes_on(world: World) -> None:
    by_number, by_id = await hears(world, NUMBER), await hears(world, USER)
    assert by_number != by_id
    await world.settled()
    for way in ((NUMBER, USER), (NUMBER, None), (USER, None)):
        assert await hears(world, *way) == by_id
    await world.settled()
    assert world.phones.texts(NUMBER) == ["re: hi"] * 4
    (row,) = await world.control.find(NUMBER)
    assert (row.id, row.also, row.enabled) == (by_id, USER, True)
    (row,) = await world.control.find(str(by_number))
    assert (row.address, row.enabled) == (f"formerly {NUMBER}", False)


async def test_what_silences_one_of_two_that_were_one_silences_who_goes_on(world: World) -> None:
    """The owner paused them, stepped in, or never enabled them, by the number; they write on by their id."""
    by_number, by_id = await hears(world, NUMBER), await hears(world, USER)
    await world.settled()
    await world.switch.press(by_number)
    assert await hears(world, NUMBER, USER) == by_id
    await world.settled()
    assert (await world.receipts())[2:] == [("silent", "contact.paused")]
    await world.switch.resume(by_id)
    await world.control.enable(by_id, True)
    await hears(world, USER)
    await world.settled()
    assert (await world.receipts())[3][0] == "replied"
    await world.says("my word", who=NUMBER, from_me=True, name=None)
    await hears(world, USER)
    await world.settled()
    assert (await world.receipts())[-1] == ("silent", "contact.paused")


async def test_the_owners_last_word_to_one_of_two_that_were_one_counts_for_who_goes_on(world: World) -> None:
    """Whatever has been drafted for them is older than it."""
    by_number, by_id = await hears(world, NUMBER), await hears(world, USER)
    await world.settled()
    await world.says("my word", who=NUMBER, from_me=True, name=None)
    last = "SELECT last_owner_at FROM conversations WHERE user_id = $1"
    said = await world.value(last, by_number)
    assert await world.value(last, by_id) is None
    await hears(world, NUMBER, USER)
    assert await world.value(last, by_id) == said is not None


async def test_who_was_not_enabled_under_one_address_is_not_under_both(world: World) -> None:
    by_number = await hears(world, NUMBER, account="journal")
    await world.settled()
    await world.control.enable(by_number, False)
    await hears(world, USER)
    await hears(world, NUMBER, USER)
    await world.settled()
    await hears(world, USER, account="journal")
    await world.settled()
    assert [outcome for outcome, _ in await world.receipts()] == ["replied", "replied", "replied", "silent"]
    assert (await world.receipts())[-1] == ("silent", "contact.disabled")


@pytest.mark.parametrize("together", [False, True])
async def test_what_one_of_two_that_were_one_had_said_is_known_when_it_comes_again(
    world: World, together: bool
) -> None:
    """Also where it comes again beside the very message that shows that they are one."""
    said = Inbound("main", NUMBER, "Ana", "p-old", Kind.TEXT, "old", world.clock.now())
    both = Inbound("main", NUMBER, "Ana", "p-both", Kind.TEXT, "both", world.clock.now(), also=USER)
    await world.inbox.accept([said])
    await hears(world, USER)
    await world.settled()
    if together:
        accepted = await world.inbox.accept([both, said])
    else:
        accepted = [*await world.inbox.accept([both]), *await world.inbox.accept([said])]
    assert [one.new for one in accepted] == [True, False]
    await world.settled()
    assert sorted(world.phones.texts()) == ["re: both", "re: hi", "re: old"]


async def test_what_was_said_under_a_number_is_not_said_by_who_has_it_now(world: World) -> None:
    """Nor does it take the number back when it comes again."""
    said = Inbound("main", NUMBER, "Ana", "p-old", Kind.TEXT, "old", world.clock.now())
    await world.inbox.accept([said])
    await hears(world, NUMBER, USER)
    now = await hears(world, NUMBER, OTHER_USER)
    for again in (said, replace(said, also=USER)):
        assert not (await world.inbox.accept([again]))[0].new
    assert await hears(world, NUMBER) == now
    await world.settled()
    assert world.phones.texts().count("re: old") == 1


async def test_an_id_with_a_new_number_keeps_its_contact(world: World) -> None:
    contact = await hears(world, NUMBER, USER)
    assert await hears(world, OTHER_NUMBER, USER) == contact
    assert await people(world) == 1
    await world.settled()
    (row,) = await world.control.find(USER)
    assert (row.address, row.also) == (OTHER_NUMBER, USER)
    assert await hears(world, OTHER_NUMBER) == contact
    assert await hears(world, NUMBER) != contact, "numbers are given to others"


async def test_who_has_a_new_number_is_answered_there(world: World) -> None:
    await hears(world, NUMBER, USER)
    await world.settled()
    world.phones.got.clear()
    await hears(world, OTHER_NUMBER, USER)
    await world.settled()
    assert (world.phones.texts(NUMBER), world.phones.texts(OTHER_NUMBER)) == ([], ["re: hi"])


async def test_a_new_number_that_somebody_had_under_another_id_is_taken_from_them(world: World) -> None:
    changing, losing = await hears(world, NUMBER, USER), await hears(world, OTHER_NUMBER, OTHER_USER)
    assert await hears(world, OTHER_NUMBER, USER) == changing
    assert await hears(world, OTHER_NUMBER) == changing
    assert {row.id: row.address for row in await world.control.everyone()} == {
        changing: OTHER_NUMBER,
        losing: OTHER_USER,
    }


async def test_a_new_number_that_somebody_is_known_by_alone_is_taken(world: World) -> None:
    changing, other = await hears(world, NUMBER, USER), await hears(world, OTHER_NUMBER)
    assert await hears(world, OTHER_NUMBER, USER) == changing
    assert {row.id: row.address for row in await world.control.everyone()} == {
        changing: OTHER_NUMBER,
        other: f"formerly {OTHER_NUMBER}",
    }


async def test_who_is_forgotten_does_not_come_back_by_the_other_address(world: World) -> None:
    item = Inbound("main", USER, None, "p-1", Kind.TEXT, "hi", world.clock.now())
    await world.inbox.accept([item])
    contact = await hears(world, NUMBER, USER)
    await world.settled()
    await world.control.forget(contact)
    await world.inbox.accept([item])
    assert await people(world) == 0


async def test_a_number_that_moved_leads_to_its_new_owner_everywhere(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    """It was remembered by the account, and by the process, that had not seen it move."""
    accounts = {"main": PROFILES["support"], "two": PROFILES["support"]}
    async with World.open(addresses, template, tmp_path, profiles=accounts, run=False) as world:
        effects = Effects(world.signals, AuditLog(tmp_path / "logs"), world.ledger.vault)
        other = Inbox(world.ledger, world.accounts, effects, world.clock)
        before = {account: await hears(world, NUMBER, account=account) for account in accounts}
        assert await hears(world, NUMBER, USER) == before["two"]
        item = Inbound(
            "main", NUMBER, "Bea", "p-new", Kind.TEXT, "mine now", world.clock.now(), also=OTHER_USER
        )
        await other.accept([item])
        after = {account: await hears(world, NUMBER, account=account) for account in accounts}
    assert len(set(after.values())) == 1
    assert set(after.values()).isdisjoint(before.values())
