"""What is told after a commit: doorbells, dashboards, the audit log, metrics. Nothing here can undo the truth."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from secondme.domain.delivery import DeliveryKind
from secondme.domain.event import MessageEvent, PauseEvent
from secondme.domain.message import Outcome
from secondme.domain.turn import Turn
from secondme.observe import metrics
from secondme.observe.audit import AuditEntry, AuditLog
from secondme.ports import Bell, Signals
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.deliveries import InFlight
from secondme.stores.ledger.due import Receipt
from secondme.stores.vault import Vault

MESSAGES, RESPONSES, HISTORY = "QUEUE:messages", "QUEUE:responses", "QUEUE:chat_history"


class Effects:
    """Tells the world what has been committed. Ids only; contacts appear in the audit log as keyed digests."""

    def __init__(self, signals: Signals, audit: AuditLog, vault: Vault) -> None:
        self._signals = signals
        self._audit = audit
        self._vault = vault

    async def received(self, fresh: Sequence[Arrival], now: datetime) -> None:
        """New messages are durable: ring for them."""
        if not fresh:
            return
        for a in fresh:
            metrics.messages_received.labels(a.account.channel).inc()
            direction = "outgoing" if a.item.from_me else "incoming"
            self._record(
                "message.received", a.id, a.whom.contact_id, now, direction=direction, bot_sent=False
            )
        await self._signals.ring(MESSAGES, [_bell(a, now) for a in fresh])
        await self._signals.track(
            [(str(a.whom.contact_id), str(a.id), now) for a in fresh if not a.item.from_me]
        )
        for a in fresh:
            await self._publish("message.received", a.id, a.whom.contact_id, False, now)

    async def planned(self, turn: Turn, deliveries: Sequence[UUID], now: datetime) -> None:
        """A Turn's deliveries are committed: ring for the outbox."""
        bells = [
            Bell(str(d), str(turn.contact.id), f"delivery:{d}", _ms(now), "outgoing", False)
            for d in deliveries
        ]
        await self._signals.ring(RESPONSES, bells)
        await self._publish("turn.composed", turn.messages[0].id, turn.contact.id, False, now)

    async def settled(self, receipts: Iterable[Receipt], now: datetime) -> None:
        """Messages ended."""
        for receipt in receipts:
            metrics.receipts.labels(receipt.outcome, receipt.rule).inc()
            if receipt.outcome is Outcome.REPLIED:
                metrics.stage_seconds.labels("total").observe((now - receipt.arrived).total_seconds())
            self._record("message.settled", receipt.message_id, receipt.contact_id, now, rule=receipt.rule)
            await self._publish("message.settled", receipt.message_id, receipt.contact_id, False, now)

    async def waiting(self, message_id: UUID, contact_id: UUID, now: datetime) -> None:
        """A message that waited for a delivery before it is due now: ring for it."""
        bell = Bell(str(message_id), str(contact_id), f"message:{message_id}", _ms(now), "incoming", False)
        await self._signals.ring(MESSAGES, [bell])

    async def left(self, flight: InFlight, status: str, now: datetime) -> None:
        """Something left, or may have, or could not."""
        contact_id = flight.ready.contact_id
        if flight.outgoing.kind is not DeliveryKind.TEXT:
            await self._publish("presence.sent", flight.message_id, contact_id, True, now)
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
            word_count=len(flight.outgoing.text.split()),
        )
        await self._publish(f"delivery.{status}", flight.message_id, contact_id, True, now)

    async def paused(self, pauses: Iterable[PauseEvent], now: datetime, actor: str = "rule") -> None:
        """Pauses began or were lifted."""
        for pause in pauses:
            who = self._vault.digest("audit", str(pause.contact_id)) if pause.contact_id else None
            self._audit.write(
                AuditEntry(event=pause.name, timestamp=now, contact_id=who, rule=pause.reason, actor=actor)
            )
            await self._signals.publish(pause)

    async def judged(self, turn: Turn, now: datetime) -> None:
        """Messages that ended with the Turn itself: silent by a rule, or failed."""
        ended = [Receipt(m, turn.contact.id, Outcome.SILENT, rule, turn.now) for m, rule in turn.silenced]
        if turn.verdict and turn.verdict.failed:
            ended += [
                Receipt(m.id, turn.contact.id, Outcome.FAILED, turn.verdict.rule, m.created_at)
                for m in turn.messages
            ]
        await self.settled(ended, now)

    async def counted(self, turn: Turn) -> None:
        """Mirror the sliding count of the contact's last minute."""
        if turn.messages:
            await self._signals.mirror_counter(
                str(turn.contact.id), max(m.recent_count for m in turn.messages)
            )

    async def acted(self, event: str, contact_id: UUID | None, now: datetime, actor: str = "owner") -> None:
        """The owner did something that is worth a line in the audit log."""
        who = self._vault.digest("audit", str(contact_id)) if contact_id else None
        self._audit.write(AuditEntry(event=event, timestamp=now, contact_id=who, actor=actor))

    def _record(self, event: str, message_id: UUID, contact_id: UUID, now: datetime, **fields: Any) -> None:
        self._audit.write(
            AuditEntry(
                event=event,
                message_id=message_id,
                contact_id=self._vault.digest("audit", str(contact_id)),
                timestamp=now,
                **fields,
            )
        )

    async def _publish(
        self, name: str, message_id: UUID, contact_id: UUID, bot_sent: bool, now: datetime
    ) -> None:
        await self._signals.publish(MessageEvent(name, message_id, contact_id, bot_sent, now))


def _bell(a: Arrival, now: datetime) -> Bell:
    direction = "outgoing" if a.item.from_me else "incoming"
    return Bell(str(a.id), str(a.whom.contact_id), f"message:{a.id}", _ms(now), direction, a.item.from_me)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
