"""What arrives while somebody is forgotten, or while a number goes to somebody else, and whose key is damaged."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from secondme.domain.message import Inbound, Kind
from secondme.embedded import Addresses
from secondme.pipeline import inbox
from secondme.stores.ledger import people, retention
from tests.support.ears import another_gateway
from tests.support.world import World

NUMBER, OTHER_NUMBER, USER, OTHER_USER = "+16505551234", "+16505551235", "US.1", "US.2"
WAITS = """SELECT EXISTS (SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory')"""
WAITS_FOR_ROW = WAITS.replace("= 'advisory'", "= 'transactionid'")
WAITS_FOR_TABLE = WAITS.replace("= 'advisory'", "= 'relation'")
WHOSE = "SELECT user_id FROM messages WHERE id = $1"


@pytest_asyncio.fixture
async def still(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """Ears only."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        yield world


def item(world: World, id: str, who: str = NUMBER, also: str | None = None) -> Inbound:
    return Inbound("main", who, "Ana", id, Kind.TEXT, f"said {id}", world.clock.now(), also=also)


def where(world: World, who: str, also: str) -> people.Address:
    account, (key, also_key) = world.accounts["main"], (world.inbox.keyed("main", x) for x in (who, also))
    return people.Address(account, "simulator", key, who, None, also, also_key)


@pytest.mark.parametrize("beside", [False, True])
async def test_what_comes_again_while_its_sender_is_forgotten_stays_erased(
    still: World, beside: bool
) -> None:
    """Also beside a message of somebody else, which is taken."""
    old = item(still, "old")
    await still.inbox.accept([old])
    contact = (await still.control.find(NUMBER))[0].id
    batch = [item(still, "other", OTHER_NUMBER), old] if beside else [old]
    async with another_gateway(still) as other:
        async with still.ledger.transaction() as tx:
            await retention.forget(tx, still.ledger.vault, contact, [], still.clock.now())
            again = asyncio.create_task(other.accept(batch))
            await still.until(WAITS)
        assert [one.new for one in await again] == [True, False][-len(batch) :]
    assert await still.value("SELECT count(*) FROM contacts") == len(batch) - 1
    assert await still.value("SELECT count(*) FROM messages") == len(batch) - 1


async def test_what_comes_again_while_its_number_moves_is_not_its_new_owners(still: World) -> None:
    old = item(still, "old")
    await still.inbox.accept([old, item(still, "known", NUMBER, USER)])
    async with another_gateway(still) as other:
        async with still.ledger.transaction() as tx:
            new = where(still, NUMBER, OTHER_USER)
            await people.resolve(tx, still.ledger.vault, [new], still.clock.now())
            again = asyncio.create_task(other.accept([old]))
            await still.until(WAITS)
        assert not (await again)[0].new
    assert await still.value("SELECT count(*) FROM messages") == 2


@pytest.mark.parametrize("shown", [(NUMBER, OTHER_USER), (OTHER_NUMBER, USER)])
async def test_what_is_said_under_a_number_while_it_moves_is_not_said_by_who_had_it(
    still: World, shown: tuple[str, str]
) -> None:
    """Its sender is remembered here, and nothing of the move is committed when it comes."""
    (first,) = await still.inbox.accept([item(still, "a", NUMBER, USER)])
    await still.inbox.accept([item(still, "b")])
    async with still.ledger.transaction() as tx:
        await people.resolve(tx, still.ledger.vault, [where(still, *shown)], still.clock.now())
        coming = asyncio.create_task(still.inbox.accept([item(still, "c")]))
        waiting = asyncio.create_task(still.until(WAITS_FOR_ROW))
        await asyncio.wait({coming, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    (second,) = await coming
    whose = [await still.value(WHOSE, one.message_id) for one in (first, second)]
    assert len(set(whose)) == 2


@pytest.mark.parametrize("shown", [OTHER_USER, USER])
async def test_what_is_said_while_tombstones_are_put_for_a_number_is_taken_once(
    still: World, shown: str
) -> None:
    """Whether a new owner shows it or who was known by an id alone: what comes when all that was said under it has
    been read for the tombstones waits, else it would have none and be taken again."""
    if shown == USER:
        await still.inbox.accept([item(still, "i", USER)])
    else:
        await still.inbox.accept([item(still, "a", NUMBER, USER)])
    await still.inbox.accept([item(still, "b")])
    slow = await asyncpg.connect(still.dsn)
    async with slow.transaction():
        await slow.execute("LOCK TABLE tombstones IN SHARE MODE")

        async def move() -> None:
            async with still.ledger.transaction() as tx:
                await people.resolve(tx, still.ledger.vault, [where(still, NUMBER, shown)], still.clock.now())

        moving = asyncio.create_task(move())
        await still.until(WAITS_FOR_TABLE)
        coming = asyncio.create_task(still.inbox.accept([item(still, "c")]))
        waiting = asyncio.create_task(still.until(WAITS_FOR_ROW))
        await asyncio.wait({coming, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await asyncio.gather(moving, slow.close())
    taken = [*await coming, *await still.inbox.accept([item(still, "c")])]
    assert [one.new for one in taken] == [True, False]
    assert len({await still.value(WHOSE, one.message_id) for one in taken}) == 1


async def test_who_is_remembered_by_a_number_that_they_gave_up_elsewhere_is_looked_up(still: World) -> None:
    """Nothing is erased by it, so that only the count of numbers that moved tells."""
    await still.inbox.accept([item(still, "a", NUMBER, USER)])
    (first,) = await still.inbox.accept([item(still, "b")])
    async with another_gateway(still) as other:
        await other.accept([item(still, "c", OTHER_NUMBER, USER)])
    assert await still.value("SELECT count(*) FROM tombstones") == 0
    (second,) = await still.inbox.accept([item(still, "d")])
    whose = [await still.value(WHOSE, one.message_id) for one in (first, second)]
    assert len(set(whose)) == 2, "the number is nobody's until somebody writes from it"


async def test_who_was_met_before_a_number_moved_is_not_remembered(
    still: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another group of this process heard of the move between this one's commit and its answer."""

    def heard(_: str) -> None:
        still.inbox._moved += 1

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "failpoint", heard)
        await still.inbox.accept([item(still, "a")])
    assert still.inbox._known == {}
    await still.inbox.accept([item(still, "b")])
    assert len(still.inbox._known) == 1


async def test_what_is_kept_aside_while_its_sender_is_forgotten_is_not_kept_again(still: World) -> None:
    await still.inbox.accept([item(still, "old")])
    kept = ("main", b"?", "Why", still.inbox.keyed("main", NUMBER))
    await still.inbox.keep_aside(*kept)
    contact = (await still.control.find(NUMBER))[0].id
    async with still.ledger.transaction() as tx:
        await retention.forget(tx, still.ledger.vault, contact, [], still.clock.now())
        again = asyncio.create_task(still.inbox.keep_aside(*kept))
        await still.until(WAITS)
    await again
    assert await still.value("SELECT count(*) FROM kept_aside") == 0


DAMAGE = """UPDATE contacts SET key = set_byte(key, 30, (get_byte(key, 30) + 1) % 256)
  WHERE id = (SELECT user_id FROM identities ORDER BY created_at LIMIT 1)"""


@pytest.mark.parametrize("batch", [False, True])
async def test_a_key_that_does_not_open_is_its_own_contacts_trouble_alone(still: World, batch: bool) -> None:
    """Whether it stands in one body with others' messages, or comes within the same moment."""
    await still.inbox.accept([item(still, "a")])
    await still.inbox.accept([item(still, "b", OTHER_NUMBER)])
    async with still.ledger.transaction() as tx:
        await tx.execute(DAMAGE)
    still.ledger.vault._contact_keys.clear()
    items = [item(still, f"{n}-{who}", who) for n in range(2) for who in (OTHER_NUMBER, NUMBER)]
    async with another_gateway(still) as other:
        bodies = [items] if batch else [[one] for one in items]
        taken = [one for body in await asyncio.gather(*map(other.accept, bodies)) for one in body]
    assert [one.new for one in taken] == [True, False, True, False]
    assert await still.value("SELECT count(*) FROM messages") == 4
    assert (
        await still.value("SELECT array_agg(error || address) FROM kept_aside")
        == [f"ConfigError{still.inbox.keyed('main', NUMBER)}"] * 2
    )
