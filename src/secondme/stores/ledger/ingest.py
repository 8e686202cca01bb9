"""New messages: their rows and what they make due, in one statement. The caller holds the conversations' locks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from secondme.stores.ledger import arrivals, due
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.pool import Connection

# No EXISTS: the planner would rather read everybody's open deliveries once than this conversation's.
_PLANNED = """(SELECT d.id FROM deliveries d WHERE d.conversation_id = c.id AND d.status IN ('planned', 'in_flight')
  LIMIT 1) IS NOT NULL"""
_WAITING = """(SELECT m.created_at FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'incoming'
  AND m.outcome IS NULL AND m.turn_id IS NULL ORDER BY m.created_at"""
# What due.recompute means where new messages are all that happened: the statement does not see its own rows, so they
# count as created at $1. Leases and plans that a burst may send back are named, for due.revoke and due.withdraw.
_WRITE = f"""
WITH fresh AS ({arrivals.INSERT} RETURNING id, conversation_id, source_message_id, client_timestamp),
woken AS (
  UPDATE conversations c SET last_inbound_at = greatest(c.last_inbound_at, came.said),
    due_at = CASE WHEN {_PLANNED} THEN NULL ELSE greatest(c.not_before, CASE a.takes
      WHEN 'burst' THEN least(greatest({_WAITING} DESC LIMIT 1), $1) + a.debounce,
                              least({_WAITING} LIMIT 1), $1) + a.debounce_cap)
      ELSE least({_WAITING} LIMIT 1), $1) + a.debounce END) END
  FROM (SELECT conversation_id, max(client_timestamp) AS said FROM fresh GROUP BY 1) came, accounts a
  WHERE c.id = came.conversation_id AND a.id = c.account_id
  RETURNING c.id, a.takes = 'burst' AND (c.lease_token IS NOT NULL OR {_PLANNED}) AS stirs)
SELECT f.id, NULL::uuid AS stirred, EXISTS (
    SELECT 1 FROM messages e WHERE e.conversation_id = f.conversation_id AND e.concerns = f.source_message_id
      AND e.content_type IN ('edit', 'deletion')) AS early
FROM fresh f UNION ALL SELECT NULL, w.id, false FROM woken w WHERE w.stirs"""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a run: the ids that are new, whose edits or deletions came first, and what ended by it."""

    fresh: set[UUID]
    early: set[UUID]
    ended: list[due.Receipt]


async def write(tx: Connection, run: Sequence[Arrival], now: datetime) -> Written:
    """Write what is not yet known and make its conversations due, sending back what a burst sends back."""
    rows = await tx.fetch(_WRITE, now, *arrivals.columns(run))
    fresh = {row["id"] for row in rows if row["id"]}
    stirred = {row["stirred"] for row in rows if row["stirred"]}
    again = [a for a in run if a.id in fresh and a.whom.conversation_id in stirred]
    ended = await arrivals.became_due(tx, again, now) if again else []
    return Written(fresh, {row["id"] for row in rows if row["early"]}, ended)
