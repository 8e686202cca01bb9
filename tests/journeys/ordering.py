"""How a test has something sent by the owner's order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from secondme.channels.whatsapp_cloud import media, template
from secondme.channels.whatsapp_cloud.template import Wanted
from secondme.domain.order import Order
from secondme.domain.profile import Account
from secondme.observe.audit import AuditLog
from secondme.owner.orders import Orders
from secondme.pipeline.effects import Effects
from secondme.stores.ledger import reading
from secondme.stores.ledger.orders import Standing
from tests.journeys.conftest import Journey, Open
from tests.support.world import World

ANA, SOMEBODY = "+15550100001", "+15550100077"
IMAGE = media.order("image:1013859600285441", "Our menu")
READY = template.order(Wanted("order_ready", "en_US", ("Tuesday", "5 pm")), None)
SENT = Standing("sent", None)


def orders(world: World, *accounts: Account) -> Orders:
    effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
    by_id = {account.id: account for account in accounts} or world.accounts
    return Orders(world.ledger, by_id, world.control, world.switch, effects, world.clock)


@asynccontextmanager
async def acquainted(journey: Open, profile: str = "journal", **more: Any) -> AsyncIterator[Journey]:
    """Ana has written and was answered, so free text may go to her."""
    async with journey(profile, **more) as told:
        await told.meta.says("hi")
        await told.settled()
        yield told


async def place(told: Journey, order: Order, who: str = ANA) -> UUID:
    made = orders(told.world)
    return (await made.place(who, made.account(), order))[0]


async def ordered(told: Journey, order: Order, who: str = ANA) -> Standing:
    return await orders(told.world).wait(await place(told, order, who), 8)


async def thread(told: Journey) -> list[tuple[str, str | None, str, str]]:
    row = (await told.world.control.find(ANA))[0]
    async with told.world.ledger.transaction() as tx:
        lines = await reading.thread(tx, told.world.ledger.vault, row.conversation_id)
    return [(line.by, line.text, line.kind, line.status) for line in lines]
