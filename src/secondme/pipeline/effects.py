"""What is told after a commit: doorbells, dashboards, the audit log, metrics. Nothing here can undo the truth.

Nothing here is waited for either: what is told within a moment goes to Redis together, bells first.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from secondme.domain.delivery import DeliveryKind
from secondme.domain.event import ImportEvent, MessageEvent, PauseEvent
from secondme.domain.message import Outcome
from secondme.domain.turn import Turn
from secondme.observe import metrics
from secondme.observe.audit import AuditEntry, AuditLog
from secondme.ports import Bell, Signals, Tidings
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.deliveries import InFlight
from secondme.stores.ledger.due import Receipt
from secondme.stores.vault import Vault

MESSAGES, RESPONSES, HISTORY = "QUEUE:messages", "QUEUE:responses", "QUEUE:chat_history"
_LAST_WORDS = 2.0  # seconds
_REMEMBERED = 50_000  # contacts whose digests need not be made again


class Effects:
    """Tells the world what has been committed. Ids only; contacts appear in the audit log as keyed digests."""

    def __init__(self, signals: Signals, audit: AuditLog, vault: Vault) -> None:
        self._signals = signals
        self._audit = audit
        self._vault = vault
        self._names: dict[UUID, tuple[str, str]] = {}
        self._waiting = Tidings()
        self._telling: asyncio.Task[None] | None = None
        self._near: dict[str, Callable[[], None]] = {}

    def received(self, fresh: Sequence[Arrival], now: datetime) -> None:
        """New messages are durable: ring for them."""
        if not fresh:
            return
        for channel, count in Counter(a.account.channel for a in fresh).items():
            metrics.messages_received.labels(channel).inc(count)
        ms, rows = _ms(now), []
        for a in fresh:
            message, (contact, who) = str(a.id), self._known_as(a.whom.contact_id)
            direction = "outgoing" if a.item.from_me else "incoming"
            rows.append((message, who, direction))
            bell = Bell(message, contact, f"message:{message}", ms, direction, a.item.from_me)
            for stream in (MESSAGES, HISTORY):
                self._waiting.bells[stream].append(bell)
            if not a.item.from_me:
                self._waiting.arrivals.append((contact, message, now))
            self._waiting.events.append(MessageEvent("message.received", a.id, a.whom.contact_id, False, now))
        _, who, direction = rows[0]
        first = AuditEntry(
            event="message.received", timestamp=now, message_id=fresh[0].id, contact_id=who,
            direction=direction, bot_sent=False,
        )  # fmt: skip
        self._audit.write_each(first, rows[1:])
        self._wake()

    def _known_as(self, contact_id: UUID) -> tuple[str, str]:
        """A contact's id as text, and the digest that the audit log knows it by."""
        known = self._names.get(contact_id)
        if known is None:
            contact = str(contact_id)
            known = contact, self._vault.digest("audit", contact)
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[contact_id] = known
        return known

    def planned(self, turn: Turn, deliveries: Sequence[UUID], now: datetime) -> None:
        """A Turn's deliveries are committed: ring for the outbox."""
        for delivery in deliveries:
            bell = Bell(
                str(delivery), str(turn.contact.id), f"delivery:{delivery}", _ms(now), "outgoing", False
            )
            self._ring(RESPONSES, bell)
        self._publish("turn.composed", turn.messages[0].id, turn.contact.id, False, now)

    def ordered(self, id_: UUID, contact_id: UUID, now: datetime) -> None:
        """The owner's order is committed, as a message and a delivery of that id: ring for the outbox."""
        self._record("message.ordered", id_, contact_id, now, direction="outgoing", actor="owner")
        self._ring(RESPONSES, Bell(str(id_), str(contact_id), f"delivery:{id_}", _ms(now), "outgoing", True))
        self._publish("message.ordered", id_, contact_id, False, now)

    def settled(self, receipts: Iterable[Receipt], now: datetime) -> None:
        """Messages ended."""
        for receipt in receipts:
            metrics.receipts.labels(receipt.outcome, receipt.rule).inc()
            if receipt.outcome is Outcome.REPLIED:
                metrics.stage_seconds.labels("total").observe((now - receipt.arrived).total_seconds())
            self._record("message.settled", receipt.message_id, receipt.contact_id, now, rule=receipt.rule)
            self._publish("message.settled", receipt.message_id, receipt.contact_id, False, now)

    def due_again(self, flight: InFlight, now: datetime) -> None:
        """What waited for this delivery in its conversation is due now: ring for it."""
        contact_id, reference = str(flight.ready.contact_id), f"conversation:{flight.ready.conversation_id}"
        self._ring(MESSAGES, Bell(str(flight.message_id), contact_id, reference, _ms(now), "incoming", False))

    def left(self, flight: InFlight, status: str, now: datetime) -> None:
        """Something left, or may have, or could not."""
        contact_id = flight.ready.contact_id
        if not flight.outgoing.kind.speaks:
            self._publish("presence.sent", flight.message_id, contact_id, True, now)
            return
        self._record(
            f"delivery.{status}",
            flight.message_id,
            contact_id,
            now,
            direction="outgoing",
            bot_sent=True,
            model=flight.mind,
            tokens_used=flight.tokens,
            typing_delay_ms=flight.typing_ms,
            word_count=len(flight.outgoing.text.split())
            if flight.outgoing.kind is DeliveryKind.TEXT
            else None,
        )
        self._publish(f"delivery.{status}", flight.message_id, contact_id, True, now)

    def paused(self, pauses: Iterable[PauseEvent], now: datetime, actor: str = "rule") -> None:
        """Pauses began or were lifted."""
        for pause in pauses:
            who = self._vault.digest("audit", str(pause.contact_id)) if pause.contact_id else None
            self._audit.note(event=pause.name, timestamp=now, contact_id=who, rule=pause.reason, actor=actor)
            self._waiting.events.append(pause)
            self._wake()

    def judged(self, turn: Turn, now: datetime) -> None:
        """Messages that ended with the Turn itself: silent by a rule, or failed."""
        ended = [Receipt(m, turn.contact.id, Outcome.SILENT, rule, turn.now) for m, rule in turn.silenced]
        if turn.verdict and turn.verdict.failed:
            rule = turn.verdict.rule
            ended += [
                Receipt(m.id, turn.contact.id, Outcome.FAILED, rule, m.created_at) for m in turn.messages
            ]
        self.settled(ended, now)

    def counted(self, turn: Turn) -> None:
        """Mirror how many messages the contact wrote within a minute."""
        self._waiting.counters[str(turn.contact.id)] = max(m.recent_count for m in turn.messages)
        self._wake()

    def imported(self, bell: Bell, now: datetime) -> None:
        """An export was learned from."""
        self.acted("chat.imported", None, now)
        self._ring(HISTORY, bell)

    def progressed(self, event: ImportEvent) -> None:
        """Memory has come so far with an import."""
        self._waiting.events.append(event)
        self._wake()

    def acted(self, event: str, contact_id: UUID | None, now: datetime, actor: str = "owner") -> None:
        """The owner did something that is worth a line in the audit log."""
        who = self._vault.digest("audit", str(contact_id)) if contact_id else None
        self._audit.note(event=event, timestamp=now, contact_id=who, actor=actor)

    async def told(self) -> None:
        """Wait until everything has been told, but no longer than a Redis that hangs is worth.

        A process that ends calls this last.
        """
        if self._telling is not None:
            _, late = await asyncio.wait({self._telling}, timeout=_LAST_WORDS)
            for telling in late:
                telling.cancel()

    def _record(self, event: str, message_id: UUID, contact_id: UUID, now: datetime, **fields: Any) -> None:
        _, who = self._known_as(contact_id)
        self._audit.note(event=event, message_id=message_id, contact_id=who, timestamp=now, **fields)

    def hears(self, stream: str, near: Callable[[], None]) -> None:
        """Who listens to that stream in this very process is told at once, without a way round by Redis."""
        self._near[stream] = near

    def _ring(self, stream: str, bell: Bell) -> None:
        if near := self._near.get(stream):
            near()
        self._waiting.bells[stream].append(bell)
        self._wake()

    def _publish(self, name: str, message_id: UUID, contact_id: UUID, bot_sent: bool, now: datetime) -> None:
        self._waiting.events.append(MessageEvent(name, message_id, contact_id, bot_sent, now))
        self._wake()

    def _wake(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._waiting != Tidings():
                tidings, self._waiting = self._waiting, Tidings()
                await self._signals.tell(tidings)
        finally:
            self._telling = None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
