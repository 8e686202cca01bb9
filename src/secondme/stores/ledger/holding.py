"""What could not leave: plans that outlived themselves are sent back, and composed anew more and more seldom.

A conversation is held for a quarter as long as it has been tried, fifteen seconds at the least, so that a mouth that is
away or a provider out of reach costs a mind some twenty asks a day and no more. What leaves at last wakes the others.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from secondme.stores.ledger import due
from secondme.stores.ledger.deliveries import PLAN_LIVES, Ready
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection

# Why an order ends that found no mouth in time: it must not surprise anybody hours later.
LATE = "order.late"
UNREACHABLE = "outbox.unreachable"
_SHORTEST = timedelta(seconds=15)

# How long each account still answers, by account id. One that is not there is never given up.
type Patience = Mapping[str, timedelta]


async def outlived(tx: Connection, delivery: Ready, by: datetime) -> bool:
    """Whether the plan will have outlived itself by then."""
    created: datetime = await tx.fetchval("SELECT created_at FROM deliveries WHERE id = $1", delivery.id)
    return created < by - PLAN_LIVES


async def send_back(
    tx: Connection, delivery: Ready, patience: Patience, now: datetime, no_sooner: datetime
) -> list[Receipt]:
    """Send the Turn back and hold its conversation; what has been tried as long as its account answers ends failed."""
    tried_since = await tx.fetchval(
        """SELECT min(f.created_at) FROM deliveries d
           JOIN deliveries f ON f.conversation_id = d.conversation_id AND f.answers = d.answers
           WHERE d.id = $1 AND d.status = 'planned' AND d.kind NOT IN ('template', 'media')""",
        delivery.id,
    )
    within = patience.get(delivery.account_id)
    if tried_since and within and tried_since + within - PLAN_LIVES <= now:
        await tx.execute(
            "UPDATE deliveries SET status = 'failed', rule = $2, settled_at = $3 WHERE id = $1",
            delivery.id,
            UNREACHABLE,
            now,
        )
    receipts = await due.withdraw(tx, [delivery.conversation_id], now, turn=delivery.turn_id, orders=LATE)
    await hold(tx, [delivery.conversation_id], patience, now, no_sooner)
    return receipts


async def hold(
    tx: Connection,
    conversations: Sequence[UUID],
    patience: Patience,
    now: datetime,
    no_sooner: datetime | None = None,
) -> None:
    """Compose there no sooner than a quarter of the time for which it has been tried: one last time before the end.

    The caller recomputes when they are due.
    """
    await tx.execute(
        """UPDATE conversations c SET not_before = greatest(c.not_before, $3::timestamptz, least(
             (SELECT w.since + p.within - $6::interval FROM unnest($4::text[], $5::interval[]) AS p (account, within)
              WHERE p.account = c.account_id AND w.since + p.within - $6::interval > $2::timestamptz),
             $2::timestamptz + greatest($7::interval, ($2::timestamptz - w.since) / 4)))
           FROM (SELECT m.conversation_id, min(d.created_at) AS since FROM messages m
                 JOIN deliveries d ON d.conversation_id = m.conversation_id AND d.answers = m.id
                 WHERE m.conversation_id = ANY($1) AND m.direction = 'incoming' AND m.outcome IS NULL
                   AND m.turn_id IS NULL GROUP BY m.conversation_id) w
           WHERE c.id = w.conversation_id""",
        conversations,
        now,
        no_sooner,
        list(patience),
        list(patience.values()),
        PLAN_LIVES,
        _SHORTEST,
    )


async def wake(tx: Connection, account_id: str, now: datetime) -> int:
    """Something left again: what is held there may be composed now. What a judge holds he will hold again.

    Where a mind failed its own backoff goes on. Returns how many conversations are due.
    """
    rows = await tx.fetch(
        """SELECT id FROM conversations WHERE account_id = $1 AND due_at > $2 AND not_before > $2 AND attempts = 0
           ORDER BY id FOR UPDATE""",
        account_id,
        now,
    )
    held = [row["id"] for row in rows]
    if held:
        await tx.execute("UPDATE conversations SET not_before = NULL WHERE id = ANY($1)", held)
        await due.recompute(tx, held)
    return len(held)


async def expire_plans(tx: Connection, patience: Patience, now: datetime) -> list[Receipt]:
    """Send back what was planned so long ago that no mouth can be there: its content must not wait for one."""
    rows = await tx.fetch(
        "SELECT DISTINCT conversation_id FROM deliveries WHERE status = 'planned' AND not_before < $1",
        now - PLAN_LIVES,
    )
    stranded = [row["conversation_id"] for row in rows]
    await due.lock(tx, stranded)
    receipts = await due.withdraw(tx, stranded, now, orders=LATE)
    await hold(tx, stranded, patience, now)
    await due.recompute(tx, stranded)
    return receipts
