"""What a provider says later about our messages, many at a time: ticks in one statement, endings one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from secondme.domain.delivery import StatusUpdate
from secondme.stores.ledger import due, settling
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault


@dataclass(frozen=True, slots=True)
class News:
    """A status about a delivery of ours. `sent`: that it was taken is known already, and by which id."""

    update: StatusUpdate
    delivery_id: UUID
    message_id: UUID  # what the delivery answers
    conversation_id: UUID
    sent: bool

    @property
    def is_tick(self) -> bool:
        return self.sent and self.update.progress != "failed"


async def settle(
    tx: Connection, vault: Vault, updates: Sequence[StatusUpdate], now: datetime
) -> tuple[list[Receipt], list[News]]:
    """Apply what concerns deliveries of ours: the messages that ended by it, and what it was. Others' messages are
    passed over.

    Conversations are locked in id order before anything is written, as everywhere.
    """
    news = await _ours(tx, vault, updates)
    ticks = [(one.delivery_id, one.update.progress) for one in news if one.is_tick]
    await due.lock(tx, [one.conversation_id for one in news])
    if ticks:
        await _tick(tx, ticks)
    receipts: list[Receipt] = []
    for one in news:
        if not one.is_tick:
            receipts += await settling.settle_by_status(tx, vault, one.update, now)
    return receipts, news


async def _ours(tx: Connection, vault: Vault, updates: Sequence[StatusUpdate]) -> list[News]:
    """Those updates that concern deliveries of ours, in their order."""
    rows = await tx.fetch(
        """SELECT u.place, d.id, d.answers, d.conversation_id,
             d.status = 'sent' AND d.provider_message_id IS NOT NULL AS sent
           FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS u (account, provider, own, place)
           JOIN deliveries d ON d.account_id = u.account AND d.kind NOT IN ('typing', 'read')
             AND (d.provider_message_id = u.provider OR d.id = u.own)
           WHERE d.status IN ('in_flight', 'uncertain', 'sent') ORDER BY u.place""",
        [u.account_id for u in updates],
        [vault.digest("message", u.provider_id) if u.provider_id else None for u in updates],
        [settling.delivery_id(u.callback) for u in updates],
    )
    return [
        News(updates[row["place"] - 1], row["id"], row["answers"], row["conversation_id"], row["sent"])
        for row in rows
    ]


async def _tick(tx: Connection, ticks: Sequence[tuple[UUID, str]]) -> None:
    """Sent, delivered, read: words only ever move it forward."""
    await tx.execute(
        """UPDATE deliveries d SET progress = t.word
           FROM (SELECT id, (ARRAY['sent', 'delivered', 'read'])[max(array_position(
                   ARRAY['sent', 'delivered', 'read'], word))] AS word
                 FROM unnest($1::uuid[], $2::text[]) AS u (id, word) GROUP BY id) t
           WHERE d.id = t.id AND array_position(ARRAY['sent', 'delivered', 'read'], t.word)
             > coalesce(array_position(ARRAY['sent', 'delivered', 'read'], d.progress), 0)""",
        [delivery for delivery, _ in ticks],
        [word for _, word in ticks],
    )
