"""What the provider took: the delivery is sent, its message may have its receipt, what was said is remembered."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from secondme.domain.delivery import Sent
from secondme.domain.message import Outcome
from secondme.stores.ledger import due
from secondme.stores.ledger.deliveries import InFlight
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal


async def sent_all(
    tx: Connection, vault: Vault, group: Sequence[tuple[InFlight, Sent]], now: datetime
) -> tuple[list[Receipt], set[UUID]]:
    """The provider took these, none of them one of several parts that speak to a message.

    Returns receipts, and the conversations that are due again. An echo or a status may have said so before.
    """
    rows = await tx.fetch(
        "SELECT * FROM settle_sent($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *zip(*(_sent_row(vault, flight, result) for flight, result in group), strict=True),
        now,
    )
    receipts = [
        Receipt(r["id"], r["contact"], Outcome(r["how"]), r["by_rule"], r["arrived"])
        for r in rows
        if r["how"]
    ]
    return receipts, {r["id"] for r in rows if r["how"] is None}


def _sent_row(vault: Vault, flight: InFlight, result: Sent) -> tuple[object, ...]:
    delivery, real = flight.ready, result.provider_id
    reply = None
    if flight.alone:
        reply = seal(flight.key, flight.outgoing.text, f"messages:{flight.message_id}:reply_text")
    return (
        delivery.id,
        delivery.conversation_id,
        delivery.turn_id,
        result.progress,
        vault.digest("message", real) if real else None,
        seal(flight.key, real, f"deliveries:{delivery.id}:provider") if real else None,
        flight.message_id,
        reply,
    )


async def sent(
    tx: Connection, vault: Vault, flight: InFlight, result: Sent, now: datetime
) -> tuple[list[Receipt], bool]:
    """The provider took it. Returns receipts, and whether the conversation is due again."""
    delivery = flight.ready
    if flight.alone or not flight.outgoing.text:
        receipts, due_again = await sent_all(tx, vault, [(flight, result)], now)
        return receipts, bool(due_again)
    await due.lock(tx, [delivery.conversation_id])
    await mark_sent(tx, vault, flight.key, delivery.id, result, now)
    await keep_reply(tx, flight.key, flight.message_id)
    receipts = await due.settle_turns(tx, [delivery.turn_id], now)
    return receipts, bool(await due.recompute(tx, [delivery.conversation_id]))


async def mark_sent(
    tx: Connection,
    vault: Vault,
    key: bytes,
    delivery_id: UUID,
    result: Sent,
    now: datetime,
) -> None:
    real = result.provider_id
    await tx.execute(
        """UPDATE deliveries SET status = 'sent', sent_at = coalesce(sent_at, $2), settled_at = $2,
             progress = CASE WHEN progress IN ('delivered', 'read') THEN progress ELSE $3 END, error = NULL,
             provider_message_id = coalesce($4, provider_message_id), provider = coalesce($5, provider)
           WHERE id = $1 AND status IN ('in_flight', 'uncertain', 'sent')""",
        delivery_id,
        now,
        result.progress,
        vault.digest("message", real) if real else None,
        seal(key, real, f"deliveries:{delivery_id}:provider") if real else None,
    )


async def keep_reply(tx: Connection, key: bytes, message_id: UUID) -> None:
    """The documented reply_text: the parts that spoke to the message, as far as they were sent."""
    rows = await tx.fetch(
        """SELECT id, text FROM deliveries
           WHERE answers = $1 AND kind = 'text' AND status = 'sent' AND text IS NOT NULL ORDER BY seq""",
        message_id,
    )
    text = "\n".join(unseal(key, r["text"], f"deliveries:{r['id']}:text") for r in rows)
    await tx.execute(
        "UPDATE messages SET reply_text = $2 WHERE id = $1 AND erased_at IS NULL",
        message_id,
        seal(key, text, f"messages:{message_id}:reply_text") if text else None,
    )
