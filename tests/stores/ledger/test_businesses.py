"""One person has an id for each of the owner's businesses: ids are compared only within one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from secondme.domain.message import Inbound, Kind
from secondme.embedded import Addresses
from secondme.profiles import PROFILES
from secondme.stores.ledger.people import put_accounts
from tests.stores.ledger.test_identities import NUMBER, OTHER_NUMBER, hears, people
from tests.support.mouth import new_mouth, silent_mouth
from tests.support.world import World

HERE, THERE, ELSE_HERE, ELSE_THERE = "US.11", "US.22", "US.91", "US.92"


@pytest_asyncio.fixture
async def two(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """`main` is one business's, `other` another's."""
    accounts = dict.fromkeys(("main", "other"), PROFILES["support"])
    async with World.open(addresses, template, tmp_path, profiles=accounts, run=False) as world:
        await belong(world, "business of main", "business of other")
        yield world


async def moves(world: World) -> int:
    return int(
        await world.value("SELECT max(value::text::int) FROM settings WHERE key = 'numbers_moved'") or 0
    )


async def test_who_writes_to_both_is_one_contact(two: World) -> None:
    found = set()
    for _ in range(3):
        found |= {await hears(two, NUMBER, HERE), await hears(two, NUMBER, THERE, "other")}
    found |= {await hears(two, HERE), await hears(two, THERE, account="other"), await hears(two, NUMBER)}
    assert len(found) == await people(two) == 1
    assert await moves(two) == 0
    assert await two.value("SELECT count(*) FROM tombstones") == 0


async def test_who_was_known_by_either_first_becomes_one_and_stays_so(two: World) -> None:
    by_number, by_id = await hears(two, NUMBER, HERE), await hears(two, THERE, account="other")
    assert by_number != by_id
    await two.switch.press(by_id)
    for _ in range(2):
        assert await hears(two, NUMBER, THERE, "other") == by_number
        assert await hears(two, NUMBER, HERE) == by_number
        assert await hears(two, THERE, account="other") == by_number
    assert await moves(two) == 1
    assert await two.value("SELECT count(*) FROM pauses WHERE user_id = $1", by_number) == 1
    (row,) = await two.control.find(str(by_id))
    assert (row.address, row.enabled) == (f"formerly {THERE}", False)


async def test_a_number_has_a_new_owner_where_either_business_says_so(two: World) -> None:
    before = await hears(two, NUMBER, HERE)
    assert await hears(two, NUMBER, THERE, "other") == before
    now = await hears(two, NUMBER, ELSE_THERE, "other")
    assert now != before
    for _ in range(2):
        assert await hears(two, NUMBER, ELSE_HERE) == now
        assert await hears(two, NUMBER, ELSE_THERE, "other") == now
    assert await hears(two, THERE, account="other") == before
    assert await moves(two) == 1
    assert {row.address for row in await two.control.find(str(before))} == {THERE}


async def test_what_another_business_showed_with_a_number_is_not_kept_for_who_lost_it(two: World) -> None:
    """It may be the new owner's: they had written there first."""
    before = await hears(two, NUMBER, HERE)
    await hears(two, NUMBER, ELSE_THERE, "other")
    now = await hears(two, NUMBER, ELSE_HERE)
    assert now != before
    for _ in range(2):
        assert await hears(two, NUMBER, ELSE_THERE, "other") == now
        assert await hears(two, NUMBER, ELSE_HERE) == now
    assert await hears(two, HERE) == before
    assert await people(two) == 2


async def test_two_whom_one_business_tells_apart_are_two_for_the_other(two: World) -> None:
    """They have a number in turn: what the other business has not seen does not make them one."""
    first, second = await hears(two, NUMBER, HERE), await hears(two, OTHER_NUMBER, ELSE_HERE)
    assert await hears(two, OTHER_NUMBER, ELSE_THERE, "other") == second
    assert await hears(two, NUMBER, ELSE_THERE, "other") == second
    assert await hears(two, HERE) == first
    assert await people(two) == 2


@pytest.mark.parametrize("known", [NUMBER, None])
async def test_an_id_of_one_business_that_another_hears_is_somebody_of_its_own(
    two: World, known: str | None
) -> None:
    """Whether who it is there has a number still, or has lost it to somebody else."""
    theirs = await hears(two, NUMBER, HERE)
    if known is None:
        await hears(two, NUMBER, ELSE_HERE)
    own = await hears(two, HERE, account="other")
    assert own != theirs
    for _ in range(2):
        assert await hears(two, HERE) == theirs
        assert await hears(two, HERE, account="other") == own
        assert await hears(two, OTHER_NUMBER, HERE, "other") == own
        assert await hears(two, OTHER_NUMBER) == own
        two.inbox._known.clear()
    await hears(two, OTHER_NUMBER, ELSE_THERE, "other")
    assert await hears(two, HERE, account="other") == own
    assert await hears(two, HERE) == theirs


async def test_an_id_of_one_business_beside_a_number_that_another_hears_moves_nobody(two: World) -> None:
    theirs = await hears(two, NUMBER, HERE)
    assert await hears(two, OTHER_NUMBER, HERE, "other") != theirs
    assert await hears(two, NUMBER) == theirs
    assert await moves(two) == 0


async def test_what_is_said_again_under_an_id_is_nobody_elses_once_it_was_taken(two: World) -> None:
    """They had been known by another business's id where they were not to be."""
    contact = await hears(two, NUMBER, HERE)
    await hears(two, NUMBER, account="other")
    assert await hears(two, HERE, account="other") == contact


async def test_what_is_forgotten_of_an_id_that_two_businesses_have_stays_so(two: World) -> None:
    theirs = await hears(two, NUMBER, HERE)
    item = Inbound("other", HERE, "Eva", "p-again", Kind.TEXT, "hi", two.clock.now())
    (taken,) = await two.inbox.accept([item])
    own = await two.value("SELECT user_id FROM messages WHERE id = $1", taken.message_id)
    await two.control.forget(own)
    assert not (await two.inbox.accept([item]))[0].new
    assert await hears(two, HERE) == theirs


async def test_what_was_noted_before_businesses_were_told_apart_counts_for_each(two: World) -> None:
    contact = await hears(two, NUMBER, HERE)
    async with two.ledger.transaction() as tx:
        await tx.execute("DELETE FROM provider_ids")
    two.inbox._known.clear()
    assert await hears(two, NUMBER, HERE) == contact
    assert await hears(two, NUMBER, THERE, "other") == contact
    async with two.ledger.transaction() as tx:
        await tx.execute("DELETE FROM provider_ids")
    assert await hears(two, NUMBER, ELSE_HERE) != contact


async def test_forgetting_takes_the_ids_of_all_of_them_along(two: World) -> None:
    contact = await hears(two, NUMBER, HERE)
    await hears(two, NUMBER, THERE, "other")
    await two.control.forget(contact)
    assert await two.value("SELECT count(*) FROM provider_ids") == 0
    assert await hears(two, THERE, account="other") != contact


@pytest_asyncio.fixture
async def speaking(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """The same two, who answer."""
    accounts = dict.fromkeys(("main", "other"), replace(PROFILES["journal"], debounce=timedelta(0)))
    async with World.open(addresses, template, tmp_path, profiles=accounts) as world:
        await belong(world, "business of main", "business of other")
        yield world


async def belong(world: World, *scopes: str) -> None:
    """Each account belongs to the business named in its place."""
    for account, scope in zip(list(world.accounts), scopes, strict=True):
        world.accounts[account] = replace(world.accounts[account], scope=scope)
    async with world.ledger.transaction() as tx:
        await put_accounts(tx, world.accounts.values())


async def test_nobody_is_written_to_by_another_business_id_of_them(speaking: World) -> None:
    """Only the other one's is left of their addresses when what was planned before is to leave."""
    await hears(speaking, NUMBER, HERE)
    await hears(speaking, NUMBER, THERE, "other")
    await speaking.settled()
    assert speaking.phones.texts(NUMBER) == ["re: hi"] * 2
    await silent_mouth(speaking)
    contact = await hears(speaking, NUMBER)
    await speaking.until("SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned')")
    await hears(speaking, NUMBER, ELSE_THERE, "other")
    new_mouth(speaking)
    await speaking.settled()
    assert (await speaking.receipts())[2:] == [
        ("silent", "contact.elsewhere"),
        ("replied", "contact.enabled"),
    ]
    assert speaking.phones.texts(THERE) == []
    assert await hears(speaking, THERE, account="other") == contact
    await speaking.settled()
    assert speaking.phones.texts(THERE) == ["re: hi"], "that business may"


async def test_whoever_writes_by_an_id_is_answered_though_it_was_noted_before_the_business_was_named(
    speaking: World,
) -> None:
    contact = await hears(speaking, NUMBER, HERE)
    await speaking.settled()
    await hears(speaking, NUMBER, ELSE_HERE)
    await speaking.settled()
    await belong(speaking, "named since", "business of other")
    speaking.inbox._known.clear()
    assert await hears(speaking, HERE) == contact
    await speaking.settled()
    assert speaking.phones.texts(HERE) == ["re: hi"]
