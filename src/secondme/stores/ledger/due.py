"""When a conversation is due, and what sends its plans back. Whoever calls holds the conversations' row locks.

Lock order everywhere: conversations in id order, then deliveries and messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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


async def revoke(
    tx: Connection, conversations: Sequence[UUID], *, spare_late: datetime | None = None
) -> None:
    """Take the lease from whoever composes there: their commit will find its token gone.

    With `spare_late` (now), a Turn whose oldest message has waited its full cap is left alone, so that somebody
    who never stops writing is answered all the same.
    """
    await tx.execute(
        """UPDATE conversations c SET lease_token = NULL, lease_until = NULL
           WHERE c.id = ANY($1) AND c.lease_token IS NOT NULL AND ($2::timestamptz IS NULL OR NOT EXISTS (
             SELECT 1 FROM messages m JOIN accounts a ON a.id = m.account_id
             WHERE m.conversation_id = c.id AND m.direction = 'incoming' AND m.outcome IS NULL
               AND m.created_at + a.debounce_cap <= $2))""",
        conversations,
        spare_late,
    )


async def withdraw(tx: Connection, conversations: Sequence[UUID], now: datetime) -> None:
    """Send unsent plans back: their messages wait again, unless a part of the answer has already left."""
    turns = await tx.fetch(
        """UPDATE deliveries SET status = 'withdrawn', settled_at = $2
           WHERE conversation_id = ANY($1) AND status = 'planned' RETURNING turn_id, id""",
        conversations,
        now,
    )
    if not turns:
        return
    turn_ids = sorted({row["turn_id"] for row in turns})
    await tx.execute("DELETE FROM delivery_answers WHERE delivery_id = ANY($1)", [row["id"] for row in turns])
    await tx.execute(
        """UPDATE messages m SET turn_id = NULL WHERE m.turn_id = ANY($1) AND m.outcome IS NULL AND NOT EXISTS (
             SELECT 1 FROM deliveries d WHERE d.turn_id = m.turn_id AND d.kind = 'text'
               AND d.status IN ('in_flight', 'sent', 'uncertain'))""",
        turn_ids,
    )
    await settle_turns(tx, turn_ids, now)


async def settle_turns(tx: Connection, turns: Sequence[UUID], now: datetime) -> list[Receipt]:
    """Give messages their receipt once nothing of their Turn is planned or in flight.

    One part that left makes it replied; otherwise one that may have left makes it uncertain.
    """
    rows = await tx.fetch(
        """WITH done AS (
             SELECT d.turn_id, bool_or(d.status = 'sent') AS sent, bool_or(d.status = 'uncertain') AS uncertain,
                    max(d.sent_at) AS sent_at, max(t.rule) AS rule
             FROM deliveries d JOIN turns t ON t.id = d.turn_id
             WHERE d.turn_id = ANY($1) AND d.kind = 'text' AND d.status <> 'withdrawn'
             GROUP BY d.turn_id HAVING NOT bool_or(d.status IN ('planned', 'in_flight'))),
           settled AS (
             UPDATE messages m SET settled_at = coalesce(m.settled_at, $2), replied_at = done.sent_at,
               outcome = CASE WHEN done.sent THEN 'replied' WHEN done.uncertain THEN 'uncertain' ELSE 'failed' END,
               rule = CASE WHEN done.sent THEN done.rule WHEN done.uncertain THEN 'outbox.uncertain'
                           ELSE 'outbox.rejected' END
             FROM done WHERE m.turn_id = done.turn_id AND (m.outcome IS NULL OR m.outcome = 'uncertain')
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
    return [Receipt(r["id"], r["user_id"], Outcome(r["outcome"]), r["rule"], r["created_at"]) for r in rows]


async def silence(
    tx: Connection, conversations: Sequence[UUID], rule: str, now: datetime, *, up_to_seq: int | None = None
) -> list[Receipt]:
    """End what waits there silent, naming the rule."""
    rows = await tx.fetch(
        """UPDATE messages SET outcome = 'silent', rule = $2, settled_at = $3
           WHERE conversation_id = ANY($1) AND direction = 'incoming' AND outcome IS NULL AND turn_id IS NULL
             AND ($4::bigint IS NULL OR seq < $4) RETURNING id, user_id, created_at""",
        conversations,
        rule,
        now,
        up_to_seq,
    )
    return [Receipt(r["id"], r["user_id"], Outcome.SILENT, rule, r["created_at"]) for r in rows]
