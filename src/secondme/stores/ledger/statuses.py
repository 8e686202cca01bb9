"""What a provider says later about our messages, many at a time: ticks in one statement, endings one by one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from secondme.domain.delivery import StatusUpdate
from secondme.stores.ledger import due, settling
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault


async def settle(
    tx: Connection, vault: Vault, updates: Sequence[StatusUpdate], now: datetime
) -> list[Receipt]:
    """Apply what concerns deliveries of ours; returns the messages that ended by it. Others' messages are passed over.

    Conversations are locked in id order before anything is written, as everywhere.
    """
    ours = await _ours(tx, vault, updates)
    news = [(update, *ours[place]) for place, update in enumerate(updates) if place in ours]
    ticks = [(delivery, update.progress) for update, delivery, _, sent in news if sent and _is_tick(update)]
    endings = [update for update, _, _, sent in news if not (sent and _is_tick(update))]
    await due.lock(tx, [conversation for _, _, conversation, _ in news])
    if ticks:
        await _tick(tx, ticks)
    receipts: list[Receipt] = []
    for update in endings:
        receipts += await settling.settle_by_status(tx, vault, update, now)
    return receipts


def _is_tick(update: StatusUpdate) -> bool:
    return update.progress != "failed"


async def _ours(
    tx: Connection, vault: Vault, updates: Sequence[StatusUpdate]
) -> dict[int, tuple[UUID, UUID, bool]]:
    """Which updates concern deliveries of ours, by place: (delivery, conversation, known to be sent)."""
    rows = await tx.fetch(
        """SELECT u.place, d.id, d.conversation_id, d.status = 'sent' AND d.provider_message_id IS NOT NULL AS sent
           FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS u (account, provider, own, place)
           JOIN deliveries d ON d.account_id = u.account AND d.kind NOT IN ('typing', 'read')
             AND (d.provider_message_id = u.provider OR d.id = u.own)
           WHERE d.status IN ('in_flight', 'uncertain', 'sent')""",
        [u.account_id for u in updates],
        [vault.digest("message", u.provider_id) if u.provider_id else None for u in updates],
        [settling.delivery_id(u.callback) for u in updates],
    )
    return {row["place"] - 1: (row["id"], row["conversation_id"], row["sent"]) for row in rows}


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
