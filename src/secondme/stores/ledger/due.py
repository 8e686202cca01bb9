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
    rows = await tx.fetch(
        """UPDATE conversations c SET
             due_at = CASE WHEN w.due IS NULL OR EXISTS (
                 SELECT 1 FROM deliveries d WHERE d.conversation_id = c.id AND d.status IN ('planned', 'in_flight'))
               THEN NULL ELSE greatest(w.due, c.not_before) END,
             not_before = CASE WHEN w.due IS NULL THEN NULL ELSE c.not_before END,
             attempts = CASE WHEN w.due IS NULL THEN 0 ELSE c.attempts END
           FROM (SELECT v.id, CASE a.takes
                     WHEN 'burst' THEN least(max(m.created_at) + a.debounce, min(m.created_at) + a.debounce_cap)
                     ELSE min(m.created_at) + a.debounce END AS due
                 FROM conversations v JOIN accounts a ON a.id = v.account_id
                 LEFT JOIN messages m ON m.conversation_id = v.id AND m.direction = 'incoming'
                   AND m.outcome IS NULL AND m.turn_id IS NULL
                 WHERE v.id = ANY($1) GROUP BY v.id, a.takes, a.debounce, a.debounce_cap) w
           WHERE c.id = w.id RETURNING c.id, c.due_at""",
        conversations,
    )
    return [row["id"] for row in rows if row["due_at"] is not None]


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
    tx: Connection, conversations: Sequence[UUID], now: datetime, *, turn: UUID | None = None
) -> list[Receipt]:
    """Send unsent plans back, all of them or one Turn's: a message of whose answer nothing has left waits again.

    One that was erased meanwhile ends silent instead. Returns the messages that ended by it.
    """
    plans = await tx.fetch(
        """UPDATE deliveries SET status = 'withdrawn', settled_at = $2
           WHERE conversation_id = ANY($1) AND status = 'planned' AND ($3::uuid IS NULL OR turn_id = $3)
           RETURNING id, turn_id""",
        conversations,
        now,
        turn,
    )
    if not plans:
        return []
    rows = await tx.fetch(
        """WITH released AS (DELETE FROM delivery_answers WHERE delivery_id = ANY($1) RETURNING message_id, delivery_id)
           UPDATE messages m SET turn_id = NULL,
             outcome = CASE WHEN m.erased_at IS NULL THEN NULL ELSE 'silent' END,
             rule = CASE WHEN m.erased_at IS NULL THEN NULL ELSE 'message.deleted' END,
             settled_at = CASE WHEN m.erased_at IS NULL THEN NULL ELSE $2::timestamptz END
           WHERE m.id IN (SELECT message_id FROM released) AND m.outcome IS NULL AND NOT EXISTS (
             SELECT 1 FROM delivery_answers a WHERE a.message_id = m.id AND NOT (a.delivery_id = ANY($1)))
           RETURNING m.id, m.user_id, m.outcome, m.rule, m.created_at""",
        [row["id"] for row in plans],
        now,
    )
    ended = _receipts(row for row in rows if row["outcome"])
    return ended + await settle_turns(tx, sorted({row["turn_id"] for row in plans}), now)


async def settle_turns(tx: Connection, turns: Sequence[UUID], now: datetime) -> list[Receipt]:
    """Give messages their receipt once nothing of their own answer is planned or in flight.

    One part that left makes a message replied; otherwise one that may have left makes it uncertain. A provider's
    later no takes a reply back.
    """
    rows = await tx.fetch(
        """WITH done AS (
             SELECT a.message_id, bool_or(d.status = 'sent') AS sent, bool_or(d.status = 'uncertain') AS uncertain,
                    max(d.sent_at) AS sent_at, max(t.rule) AS rule
             FROM delivery_answers a JOIN deliveries d ON d.id = a.delivery_id JOIN turns t ON t.id = d.turn_id
             WHERE d.turn_id = ANY($1)
             GROUP BY a.message_id HAVING NOT bool_or(d.status IN ('planned', 'in_flight'))),
           settled AS (
             UPDATE messages m SET settled_at = coalesce(m.settled_at, $2), replied_at = done.sent_at,
               outcome = CASE WHEN done.sent THEN 'replied' WHEN done.uncertain THEN 'uncertain' ELSE 'failed' END,
               rule = CASE WHEN done.sent THEN done.rule WHEN done.uncertain THEN 'outbox.uncertain'
                           ELSE 'outbox.rejected' END
             FROM done WHERE m.id = done.message_id AND (
               m.outcome IS NULL OR m.outcome = 'uncertain' OR (m.outcome = 'replied' AND NOT done.sent))
             RETURNING m.id, m.user_id, m.conversation_id, m.outcome, m.rule, m.created_at, m.client_timestamp),
           newest AS (
             UPDATE conversations c SET answered_until = greatest(c.answered_until, s.latest)
             FROM (SELECT conversation_id, max(client_timestamp) AS latest FROM settled
                   WHERE outcome <> 'failed' GROUP BY conversation_id) s
             WHERE c.id = s.conversation_id)
           SELECT id, user_id, outcome, rule, created_at FROM settled""",
        turns,
        now,
    )
    return _receipts(rows)


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
