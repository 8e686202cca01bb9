"""Meta is far away or slow to be reached: the second that a request has is not spent on its connection."""

import asyncio

from tests.journeys.conftest import Open
from tests.stubs.meta_driver import Meta
from tests.support.slow_door import slow_door


async def test_a_cold_connection_costs_no_try(journey: Open, meta: Meta) -> None:
    async with slow_door(meta.base) as door:
        meta.api = f"{door.base}/v23.0"
        async with journey("journal") as told:
            door.open_in(0.7)
            for who in ("15550100001", "15550100002"):
                await meta.says("hello", who)
            await told.settled()
            assert await meta.texts() == ["re: hello", "re: hello"]
            assert await told.world.value("SELECT bool_and(attempts = 1 AND error IS NULL) FROM deliveries")


async def test_what_is_still_connecting_as_it_ends_is_not_begun(journey: Open, meta: Meta) -> None:
    """Its intent is not committed, so that another process may send it."""
    async with slow_door(meta.base) as door:
        meta.api = f"{door.base}/v23.0"
        async with journey("journal") as told:
            await meta.says("hello")
            await told.world.until("SELECT EXISTS (SELECT 1 FROM deliveries)")
            door.open_in(1.0)
            await asyncio.sleep(0.3)
            assert await told.world.outbox.drain(2) == []
            await told.quiet(3)
            assert await told.world.value("SELECT bool_and(status = 'planned') FROM deliveries")
            assert await meta.sends(None) == []
