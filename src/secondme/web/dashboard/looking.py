"""What the owner sees: snapshots read from the ledger, each whole in itself."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic.alias_generators import to_camel

from secondme.domain.contact import ContactRow
from secondme.domain.errors import NotFound
from secondme.domain.pause import Pause, PauseReason, effective_state
from secondme.domain.persona import RELATIONSHIPS
from secondme.domain.profile import Account
from secondme.meaning import windowed
from secondme.memory.voice.lessons import OWN_PERSONA
from secondme.pipeline.outbox import WINDOW
from secondme.stores.ledger import Connection, glances, instance, pauses, people, reading, voices
from secondme.stores.ledger.glances import Glance
from secondme.stores.ledger.reading import Bubble
from secondme.stores.vault import Vault
from secondme.web.dashboard.importing import SAMPLES
from secondme.web.dashboard.rules import rule
from secondme.web.dashboard.views import (
    AccountView,
    BubbleView,
    ConversationView,
    HeldView,
    PersonaView,
    PersonView,
    StateView,
    StoppedView,
)
from secondme.wiring import App

_PREVIEW = 90  # characters
_LISTED = 500  # people; the rest are found by writing to them


async def state(app: App) -> StateView:
    """How things stand. Raises StoreUnavailable."""
    now = app.clock.now()
    async with app.ledger.transaction() as tx:
        counts = await reading.state(tx, now)
        receipts = await reading.receipts(tx, now - timedelta(days=1))
        running = await pauses.active(tx, now)
        personas = await voices.personas(tx, app.ledger.vault)
        kept = await glances.kept_replies(tx)
        owner = await instance.owner(tx, app.ledger.vault)
    stopped = [p.since for p in running if p.contact_id is None]
    shut = windowed(app.accounts.values())
    return StateView(
        accounts=[_account(account, account.id in shut) for account in app.accounts.values()],
        mind=app.mind_name,
        offline=app.mind_name == "offline",
        stopped=StoppedView(since=min(stopped)) if stopped else None,
        troubles=app.troubles,
        timezone=app.settings.timezone.key,
        now=now,
        counts={to_camel(name): count for name, count in counts.items()},
        receipts=receipts,
        personas=[PersonaView(id=p.id, name=p.name) for p in personas],
        relationships=list(RELATIONSHIPS),
        own_voice=any(p.id == OWN_PERSONA for p in personas),
        voice_owner=owner,
        voice_invented=owner in {sample.me for sample in SAMPLES.values()},
        kept_replies=kept,
    )


def _account(account: Account, has_window: bool) -> AccountView:
    steps_back = account.profile.owner_word_pause
    return AccountView(
        id=account.id,
        channel=account.channel,
        profile=account.profile.name,
        new_contacts_enabled=account.profile.new_contacts_enabled,
        owner_word_pause_minutes=round(steps_back.total_seconds() / 60) if steps_back else None,
        window_hours=round(WINDOW.total_seconds() / 3600) if has_window else None,
    )


async def everybody(app: App) -> list[PersonView]:
    """Who writes to which account that is served here, on its own network, newest talk first."""
    served = {account.id: people.network_of(account.channel) for account in app.accounts.values()}
    async with app.ledger.transaction() as tx:
        rows = await people.everyone(tx, app.ledger.vault, _LISTED, served)
        return await _persons(tx, app, rows)


async def conversation(app: App, conversation_id: UUID) -> ConversationView:
    """One person with their thread. Raises NotFound."""
    vault = app.ledger.vault
    async with app.ledger.transaction() as tx:
        row = await _row(tx, vault, conversation_id)
        bubbles = await reading.thread(tx, vault, conversation_id)
        seen = await glances.seen_until(tx, conversation_id)
        held = await glances.held(tx, conversation_id, app.clock.now())
        person = (await _persons(tx, app, [row]))[0]
    return ConversationView(
        person=person, bubbles=[_bubble(b, seen) for b in bubbles], typing=person.typing, held=_held(held)
    )


def _held(found: tuple[datetime, str] | None) -> HeldView | None:
    words = rule(found[1]) if found else None
    return HeldView(until=found[0], reason=words.short if words else "waiting") if found else None


async def find(app: App, conversation_id: UUID) -> ContactRow:
    """The contact of a conversation. Raises NotFound."""
    async with app.ledger.transaction() as tx:
        return await _row(tx, app.ledger.vault, conversation_id)


async def _row(tx: Connection, vault: Vault, conversation_id: UUID) -> ContactRow:
    found = await people.one(tx, vault, conversation_id)
    if found is None:
        raise NotFound("There is no such conversation; it may have been forgotten. Reload the page.")
    return found


async def _persons(tx: Connection, app: App, rows: Sequence[ContactRow]) -> list[PersonView]:
    now = app.clock.now()
    running = await pauses.active(tx, now)
    lines = await glances.last_lines(tx, app.ledger.vault, [row.conversation_id for row in rows])
    typing = await glances.typing(tx)
    shut = windowed(app.accounts.values())
    persons = [
        _person(
            row,
            running,
            lines.get(row.conversation_id),
            row.conversation_id in typing,
            now,
            _window(row, shut),
        )
        for row in rows
    ]
    return sorted(persons, key=lambda p: p.last_at.timestamp() if p.last_at else 0.0, reverse=True)


def _window(row: ContactRow, shut: Container[str]) -> datetime | None:
    """Until when the fence lets free text to them pass."""
    return row.last_inbound_at + WINDOW if row.account_id in shut and row.last_inbound_at else None


def _person(
    row: ContactRow,
    running: Sequence[Pause],
    line: Glance | None,
    typing: bool,
    now: datetime,
    window_until: datetime | None,
) -> PersonView:
    own = [p for p in running if p.covers(row.id)]
    pause = longest(own)
    return PersonView(
        conversation_id=row.conversation_id,
        contact_id=row.id,
        account=row.account_id,
        name=row.name,
        address=row.address,
        relationship=row.relationship,
        persona_id=row.persona_id,
        enabled=row.enabled,
        state=effective_state(row.enabled, own, now).value,
        paused_until=pause.until if pause else None,
        pause_reason=pause.reason.value if pause else None,
        last_at=line.at if line else row.last_at,
        preview=_preview(line),
        preview_by=line.by if line else None,
        unread=line.unread if line else 0,
        typing=typing,
        window_until=window_until,
    )


def longest(running: Sequence[Pause]) -> Pause | None:
    """The pause that ends last; the switch before all, then open ends."""
    return max(
        running,
        key=lambda p: (
            p.reason is PauseReason.SWITCH,
            p.until is None,
            p.until.timestamp() if p.until else 0.0,
        ),
        default=None,
    )


def _preview(line: Glance | None) -> str | None:
    if line is None or (line.text is None and line.kind == "text"):
        return None
    words = " ".join((line.text or line.kind).split())
    return words if len(words) <= _PREVIEW else words[: _PREVIEW - 1] + "…"


def _bubble(bubble: Bubble, seen_until: datetime | None) -> BubbleView:
    seen = bubble.incoming and (
        bubble.status == "replied" or (seen_until is not None and bubble.at <= seen_until)
    )
    words = rule(bubble.rule)
    return BubbleView(
        id=bubble.id,
        ref=bubble.ref,
        incoming=bubble.incoming,
        by="contact" if bubble.incoming else "bot" if bubble.by == "bot" else "owner",
        text=bubble.text,
        kind=bubble.kind,
        at=bubble.at,
        quotes=bubble.quotes,
        status=bubble.status,
        rule=bubble.rule,
        reason=words.short if words else None,
        edited=bubble.edited,
        ordered=bubble.ordered,
        seen=seen,
    )
