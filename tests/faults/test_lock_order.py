"""Whoever locks several conversations locks them in the order of their ids: then nobody waits in a circle."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from secondme.stores.ledger import people, turns
from tests.support.world import World

LOCK = "SELECT 1 FROM conversations WHERE id = $1 FOR UPDATE"
WAITS = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"

type Pair = tuple[
    tuple[UUID, str], tuple[UUID, str]
]  # (conversation, address) of two people, the lower id first


async def _two_people(world: World) -> Pair:
    for who in ("+15550100", "+15550101"):
        await world.says("hi", who=who)
    await world.settled()
    async with world.ledger.transaction() as tx:
        await tx.execute("UPDATE conversations SET lease_token = id")
    rows = sorted((row.conversation_id, row.address) for row in await world.control.everyone())
    return rows[0], rows[1]


async def renew(world: World, pair: Pair) -> None:
    """Leases of both, the higher id first."""
    tokens = {conversation: conversation for conversation, _ in reversed(pair)}
    async with world.ledger.light() as light:
        until = world.clock.now() + timedelta(seconds=45)
        assert await turns.renew(light, tokens, until) == set(tokens)


async def resolve(world: World, pair: Pair) -> None:
    """A gateway that knows nobody yet hears of both at once, of the one with the higher id first."""
    account, vault = world.accounts["main"], world.ledger.vault
    digests = [(address, vault.digest("address", "simulator", address)) for _, address in reversed(pair)]
    wanted = [people.Address(account, "simulator", digest, address, "Ana") for address, digest in digests]
    async with world.ledger.transaction(ears=True) as tx:
        await people.resolve(tx, vault, wanted, world.clock.now())


@pytest.mark.parametrize("locks", [renew, resolve])
async def test_nobody_waits_in_a_circle(
    world: World, locks: Callable[[World, Pair], Coroutine[Any, Any, None]]
) -> None:
    pair = await _two_people(world)
    (lower, _), (higher, _) = pair
    other = await asyncpg.connect(world.dsn)
    async with other.transaction():
        await other.execute(LOCK, lower)
        working = asyncio.create_task(locks(world, pair))
        waiting = asyncio.create_task(world.until(WAITS))
        async with asyncio.timeout(10):
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await other.execute(LOCK, higher)
    await working
    await other.close()
