"""A channel that takes long to be reached keeps its own account waiting, and no other's."""

import asyncio
from uuid import UUID

from secondme.pipeline.reaching import Reaching
from secondme.stores.ledger.deliveries import Ready
from tests.llm.asking import HandClock
from tests.support.world import Phones, World


class Far(Phones):
    """Phones behind a line that takes its time: until `open` is set, or for so many seconds each time."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__()
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        self._seconds = seconds

    async def reach(self, count: int) -> None:
        self.asked.set()
        if self._seconds is None:
            await self.open.wait()
        else:
            await asyncio.sleep(self._seconds)


async def test_who_is_out_of_reach_keeps_nobody_else_waiting(world: World) -> None:
    far = Far()
    world.outbox._channels["main"] = far  # type: ignore[index]
    await world.says("hi")
    await asyncio.wait_for(far.asked.wait(), 8)
    await world.says("dear diary", who="+15550109", account="journal")
    await world.until(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = 'journal' AND outcome = 'replied')"
    )
    assert far.got == []
    assert await world.value("SELECT bool_and(status = 'planned') FROM deliveries WHERE account_id = 'main'")
    far.open.set()
    await world.settled()
    assert far.texts() == ["re: hi"]


async def test_who_was_waited_for_is_not_waited_for_again(world: World) -> None:
    """Of several in one account each has its turn, however slow the line is every time."""
    far = Far(seconds=0.4)
    world.outbox._channels["main"] = far  # type: ignore[index]
    people = [f"+1555010{number}" for number in range(3)]
    await world.says("hi", who=people[0])
    await asyncio.wait_for(far.asked.wait(), 8)
    for who in people[1:]:
        await world.says("hi", who=who)
    await world.settled(20)
    assert far.texts() == ["re: hi"] * 3


async def test_a_mouth_that_ends_waits_for_no_line(world: World) -> None:
    """What has not passed the fence is another process's to send."""
    far = Far()
    world.outbox._channels["main"] = far  # type: ignore[index]
    await world.says("hi")
    await asyncio.wait_for(far.asked.wait(), 8)
    mouth = next(task for task in world.tasks if task.get_name() == "Outbox.run")
    assert await world.outbox.drain(2) == []
    await asyncio.wait_for(mouth, 8)
    await asyncio.sleep(0)
    assert list(world.outbox._reach.accounts) == []
    assert await world.value("SELECT bool_and(status = 'planned') FROM deliveries")


async def test_what_was_waited_for_is_not_taken_to_be_open_for_ever() -> None:
    """What it was waited for has been withdrawn meanwhile, and what was opened for that is closed."""
    far, late, clock = Far(), asyncio.Event(), HandClock()
    reaching = Reaching({"main": far}, late.set, clock)
    group = [Ready(UUID(int=1), "main", UUID(int=2), UUID(int=3), UUID(int=4), attempts=0)]
    for passed, ready in ((1, group), (60, [])):
        far.open.clear()
        assert await reaching(group) == []
        far.open.set()
        await asyncio.wait_for(late.wait(), 8)
        far.asked.clear()
        far.open.clear()
        late.clear()
        clock.seconds += passed
        assert await reaching(group) == ready
        assert far.asked.is_set() is not bool(ready)
    reaching.stop()
