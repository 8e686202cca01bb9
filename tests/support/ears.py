"""The ears of a second gateway process on the stores of a world."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from secondme.observe.audit import AuditLog
from secondme.pipeline.effects import Effects
from secondme.pipeline.inbox import Inbox
from tests.support.world import World


@asynccontextmanager
async def another_gateway(world: World) -> AsyncIterator[Inbox]:
    """It remembers nobody."""
    effects = Effects(world.signals, AuditLog(world.folder / "other"), world.ledger.vault)
    inbox = Inbox(world.ledger, world.accounts, effects, world.clock)
    try:
        yield inbox
    finally:
        await effects.told()
