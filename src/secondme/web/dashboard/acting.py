"""What the owner does: enable, pause, relate, read, stop and resume."""

from collections import deque
from datetime import timedelta
from uuid import UUID

from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import NotFound, StoreUnavailable
from secondme.domain.event import MessageEvent
from secondme.pipeline.switch import Pressed
from secondme.ports import Tidings
from secondme.stores.ledger import glances, people, reading, settling
from secondme.web.dashboard import looking
from secondme.web.dashboard.views import LeavingView, PressedView, RelationshipBody, ResumedView
from secondme.wiring import App

_ACTOR = "owner"


async def enable(app: App, conversation_id: UUID, enabled: bool) -> None:
    """Let this conversation be answered, or not. Raises NotFound."""
    row = await looking.find(app, conversation_id)
    await app.control.enable(row.id, enabled, row.account_id)
    await _changed(app, row.id)


async def relate(app: App, contact_id: UUID, body: RelationshipBody) -> None:
    """Say how the owner knows the contact. Raises Invalid, NotFound."""
    async with app.ledger.transaction() as tx:
        if not await people.rows_of(tx, app.ledger.vault, contact_id):
            raise NotFound("There is no such contact; it may have been forgotten. Reload the page.")
    await app.control.relate(contact_id, body.relationship, body.persona_id)
    await _changed(app, contact_id)


async def _changed(app: App, contact_id: UUID) -> None:
    """Other open pages look again."""
    changed = MessageEvent("contact.changed", contact_id, contact_id, False, app.clock.now())
    await app.signals.tell(Tidings(events=deque([changed])))


async def pause(app: App, conversation_id: UUID, minutes: int | None) -> PressedView:
    """Pause the contact of a conversation, on every account. Raises NotFound."""
    row = await looking.find(app, conversation_id)
    length = timedelta(minutes=minutes) if minutes else None
    return await _pressed(app, await app.switch.press(row.id, length, _ACTOR))


async def resume(app: App, conversation_id: UUID) -> ResumedView:
    """Lift the contact's own pauses; a stop of everything stands. Raises NotFound."""
    row = await looking.find(app, conversation_id)
    return ResumedView(lifted=await app.switch.resume(row.id, _ACTOR))


async def stop_everything(app: App) -> PressedView:
    """Press the switch. When this returns nothing leaves any more, but for the deliveries that it names."""
    return await _pressed(app, await app.switch.press(None, None, _ACTOR))


async def resume_everything(app: App) -> ResumedView:
    """Lift the stop of everything; contacts' own pauses stand."""
    return ResumedView(lifted=await app.switch.resume(None, _ACTOR))


async def _pressed(app: App, done: Pressed) -> PressedView:
    leaving = [LeavingView(delivery_id=d, conversation_id=None, name=None) for d in done.leaving]
    if done.committed and done.leaving:
        leaving = await _named(app, done)
    return PressedView(committed=done.committed, since=done.since, silenced=done.silenced, leaving=leaving)


async def _named(app: App, done: Pressed) -> list[LeavingView]:
    """Whose deliveries they are. The press has done its work: a store that goes away now changes nothing."""
    try:
        async with app.ledger.transaction() as tx:
            where = await glances.conversations_of(tx, done.leaving)
            names = {
                row.conversation_id: row.name or row.address
                for conversation_id in set(where.values())
                if (row := await people.one(tx, app.ledger.vault, conversation_id))
            }
    except StoreUnavailable:
        where, names = {}, {}
    return [
        LeavingView(
            delivery_id=d, conversation_id=where.get(d), name=names.get(where[d]) if d in where else None
        )
        for d in done.leaving
    ]


async def mark_read(app: App, conversation_id: UUID) -> int:
    """The simulated phone was looked at: what arrived there is read. Returns how many ticks moved. Raises NotFound."""
    row = await looking.find(app, conversation_id)
    if app.accounts[row.account_id].channel != "simulator":
        return 0
    now, vault = app.clock.now(), app.ledger.vault
    marked, receipts = [], []
    async with app.ledger.transaction() as tx:
        for bubble in await reading.thread(tx, vault, conversation_id):
            if bubble.by == "bot" and bubble.status in ("sent", "delivered"):
                update = StatusUpdate(row.account_id, bubble.ref, bubble.id, "read")
                receipts += await settling.settle_by_status(tx, vault, update, now)
                marked.append(MessageEvent("delivery.read", UUID(bubble.id), row.id, True, now))
    app.effects.settled(receipts, now)
    await app.signals.tell(Tidings(events=deque(marked)))
    return len(marked)
