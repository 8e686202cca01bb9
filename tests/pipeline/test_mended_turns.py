"""What once went wrong between a claim and its commit."""

import asyncio

from secondme.pipeline.turns import end_unserved
from tests.support.world import World


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
