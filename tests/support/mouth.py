"""The gateway's mouth goes away and comes back, as when its process dies and is started again."""

import asyncio

from tests.support.world import World

_RUN = "Outbox.run"


async def silent_mouth(world: World) -> None:
    """What was leaving has left, and nothing else does."""
    left = await world.outbox.drain(8)
    assert left == []
    await asyncio.gather(*(task for task in world.tasks if task.get_name() == _RUN))


def new_mouth(world: World) -> None:
    """It is back."""
    world.outbox.draining = False
    world.tasks.append(asyncio.create_task(world.outbox.run(), name=_RUN))
