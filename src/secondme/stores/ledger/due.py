"""When a conversation is due, and what sends its plans back. Whoever calls holds the conversations' row locks.

Lock order everywhere: conversations in id order, then deliveries and messages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from secondme.domain.message import Outcome
from secondme.stores.ledger.pool import Connection


@dataclass(frozen=True, slots=True)
class Receipt:
    """How one message ended."""

    message_id: UUID
    contact_id: UUID
    outcome: Outcome
    rule: str
    arrived: datetime


async def lock(tx: Connection, conversations: Sequence[UUID]) -> None:
    """Row locks in id order, so that no two transactions wait for each other."""
    await tx.execute(
        "SELECT 1 FROM conversations WHERE id = ANY($1) ORDER BY id FOR UPDATE", sorted(set(conversations))
    )


async def recompute(tx: Connection, conversations: Sequence[UUID]) -> list[UUID]:
    """Set due_at from the messages that nobody has answered or committed to answer, never from a watermark.

    A conversation with something planned or in flight is not due: what is answered next waits until that has left.
    Returns those that are due now or later.
    """
    rows = await tx.fetch("SELECT conversation, due FROM recompute($1)", conversations)
    return [row["conversation"] for row in rows if row["due"] is not None]


async def revoke(tx: Connection, conversations: Sequence[UUID]) -> None:
    """Take the lease from whoever composes there: their commit will find its token gone.

    The count of claims begins anew: it bounds crashes, and nobody crashed here.
    """
    await tx.execute(
        """UPDATE conversations SET lease_token = NULL, lease_until = NULL, claims = 0
           WHERE id = ANY($1) AND lease_token IS NOT NULL""",
        conversations,
    )


async def withdraw(
    tx: Connection,
    conversations: Sequence[UUID],
    now: datetime,
    *,
    turn: UUID | None = None,
    orders: str | None = None,
) -> list[Receipt]:
    """Send unsent plans back, all of them or one Turn's: a message of whose answer nothing has left waits again.

    One that was erased meanwhile ends silent instead. What the owner ordered is no draft and stays, unless `orders`
    names the rule by which it ends silent as well. Returns the messages that ended by it.
    """
    plans = await tx.fetch(
        """UPDATE deliveries SET status = 'withdrawn', settled_at = $2
           WHERE conversation_id = ANY($1) AND status = 'planned' AND ($3::uuid IS NULL OR turn_id = $3)
             AND ($4::text IS NOT NULL OR kind NOT IN ('template', 'media'))
           RETURNING id, turn_id""",
        conversations,
        now,
        turn,
        orders,
    )
    if not plans:
        return []
    ended = await _release(tx, [row["id"] for row in plans], now, orders)
    return ended + await settle_turns(tx, sorted({row["turn_id"] for row in plans}), now)


async def _release(
    tx: Connection, deliveries: Sequence[UUID], now: datetime, orders: str | None
) -> list[Receipt]:
    """What these alone would have answered waits again; returns what ended, as erased or by the rule `orders`."""
    rows = await tx.fetch(
        """WITH released AS (DELETE FROM delivery_answers WHERE delivery_id = ANY($1) RETURNING message_id, delivery_id)
           UPDATE messages m SET turn_id = NULL,
             outcome = CASE WHEN m.erased_at IS NULL AND m.direction = 'incoming' THEN NULL ELSE 'silent' END,
             rule = CASE WHEN m.erased_at IS NOT NULL THEN 'message.deleted'
                         WHEN m.direction = 'outgoing' THEN $3 END,
             settled_at = CASE WHEN m.erased_at IS NULL AND m.direction = 'incoming' THEN NULL
                               ELSE $2::timestamptz END
           WHERE m.id IN (SELECT message_id FROM released) AND m.outcome IS NULL AND NOT EXISTS (
             SELECT 1 FROM delivery_answers a WHERE a.message_id = m.id AND NOT (a.delivery_id = ANY($1)))
           RETURNING m.id, m.user_id, m.outcome, m.rule, m.created_at""",
        deliveries,
        now,
        orders,
    )
    return _receipts(row for row in rows if row["outcome"])


async def settle_turns(tx: Connection, turns: Sequence[UUID], now: datetime) -> list[Receipt]:
    """Give messages their receipt once nothing of their own answer is planned or in flight.

    One part that left makes a message replied; otherwise one that may have left makes it uncertain. A provider's
    later no takes a reply back.
    """
    rows = await tx.fetch(
        "SELECT message, contact, how, by_rule, arrived FROM settle_turns($1, $2)", turns, now
    )
    return [
        Receipt(message, contact, Outcome(how), rule, arrived)
        for message, contact, how, rule, arrived in rows
    ]


def _receipts(rows: Iterable[asyncpg.Record]) -> list[Receipt]:
    return [Receipt(r["id"], r["user_id"], Outcome(r["outcome"]), r["rule"], r["created_at"]) for r in rows]


async def silence(
    tx: Connection,
    conversations: Sequence[UUID],
    rule: str,
    now: datetime,
    *,
    up_to_seq: int | None = None,
    only: Sequence[UUID] | None = None,
) -> list[Receipt]:
    """End what waits there silent, naming the rule: all of it, what came before `up_to_seq`, or `only` these."""
    rows = await tx.fetch(
        """UPDATE messages SET outcome = 'silent', rule = $2, settled_at = $3
           WHERE conversation_id = ANY($1) AND direction = 'incoming' AND outcome IS NULL AND turn_id IS NULL
             AND ($4::bigint IS NULL OR seq < $4) AND ($5::uuid[] IS NULL OR id = ANY($5))
           RETURNING id, user_id, outcome, rule, created_at""",
        conversations,
        rule,
        now,
        up_to_seq,
        only,
    )
    return _receipts(rows)
