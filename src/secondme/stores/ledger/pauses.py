"""Pauses and the switch: begun, lifted, read. The ledger alone lifts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from secondme.domain.pause import Pause, PauseReason
from secondme.stores.ledger import deliveries, due
from secondme.stores.ledger.deliveries import CONTACT_LOCK, SWITCH_LOCK, Ready
from secondme.stores.ledger.pool import Connection

_FIELDS = "id, user_id, reason, since, until, lifted_at"


def _pause(row: object) -> Pause:
    r = dict(row)  # type: ignore[call-overload]
    return Pause(r["id"], r["user_id"], PauseReason(r["reason"]), r["since"], r["until"], r["lifted_at"])


async def begin(
    tx: Connection,
    id_: UUID,
    contact_id: UUID | None,
    reason: PauseReason,
    since: datetime,
    until: datetime | None,
) -> bool:
    """One more pause, which never touches another; False where it is known already, also if it was lifted."""
    done = await tx.execute(
        """INSERT INTO pauses (id, user_id, reason, since, until) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (id) DO NOTHING""",
        id_,
        contact_id,
        reason,
        since,
        until,
    )
    return bool(done == "INSERT 0 1")


async def lift(tx: Connection, running: Sequence[UUID], now: datetime) -> int:
    """Lift these pauses as far as they still run. Returns how many."""
    rows = await tx.fetch(
        """UPDATE pauses SET lifted_at = $2 WHERE id = ANY($1) AND lifted_at IS NULL
             AND (until IS NULL OR until > $2) RETURNING id""",
        running,
        now,
    )
    return len(rows)


async def active(tx: Connection, now: datetime) -> list[Pause]:
    """Every running pause."""
    rows = await tx.fetch(
        f"SELECT {_FIELDS} FROM pauses WHERE lifted_at IS NULL AND (until IS NULL OR until > $1) ORDER BY epoch",
        now,
    )
    return [_pause(row) for row in rows]


async def of(tx: Connection, contact_id: UUID) -> list[Pause]:
    """Every pause of one contact that is still known, also those that have ended, oldest first."""
    rows = await tx.fetch(f"SELECT {_FIELDS} FROM pauses WHERE user_id = $1 ORDER BY since", contact_id)
    return [_pause(row) for row in rows]


async def known_stop(tx: Connection, id_: UUID, since: datetime, now: datetime) -> bool:
    """Whether what PAUSE:ALL says has been dealt with: the press itself, a later one without an end, or a resume since.

    A later press that ends says nothing of it, nor does a resume that lies in the future: a clock was wrong then.
    """
    known: bool = await tx.fetchval(
        """SELECT EXISTS (SELECT 1 FROM pauses WHERE id = $1 OR user_id IS NULL AND (
             lifted_at BETWEEN $2 AND $3 OR (until IS NULL AND since >= $2)))""",
        id_,
        since,
        now,
    )
    return known


async def last_ended(tx: Connection, now: datetime) -> datetime | None:
    """When the last stop of everybody ended: what another store says of a stop before that has been dealt with."""
    moment: datetime | None = await tx.fetchval(
        "SELECT max(least(until, lifted_at)) FROM pauses WHERE user_id IS NULL AND least(until, lifted_at) <= $1",
        now,
    )
    return moment


async def drain_fence(tx: Connection, contact_id: UUID | None) -> None:
    """Wait until every fence that began before the pause has committed or gone; later ones see the pause."""
    if contact_id is None:
        await tx.execute("SELECT pg_advisory_xact_lock($1, 0)", SWITCH_LOCK)
    else:
        await tx.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", CONTACT_LOCK, str(contact_id))


async def in_flight(tx: Connection, contact_id: UUID | None) -> list[Ready]:
    """What may be leaving right now, conversation by conversation."""
    return await deliveries.open_in_flight(tx, contact_id)


async def affected(tx: Connection, contact_id: UUID | None) -> Sequence[UUID]:
    """Conversations with something waiting or planned that a pause must end."""
    rows = await tx.fetch(
        """SELECT c.id FROM conversations c WHERE ($1::uuid IS NULL OR c.user_id = $1) AND (
             EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'incoming'
               AND m.outcome IS NULL AND m.turn_id IS NULL)
             OR EXISTS (SELECT 1 FROM deliveries d WHERE d.conversation_id = c.id AND d.status = 'planned'))
           ORDER BY c.id""",
        contact_id,
    )
    return [row["id"] for row in rows]


async def end_waiting(
    tx: Connection, conversations: Sequence[UUID], rule: str, now: datetime
) -> list[due.Receipt]:
    """Messages met by a pause end silent at once; what was planned never leaves."""
    await due.lock(tx, conversations)
    await due.revoke(tx, conversations)
    await due.withdraw(tx, conversations, now, orders=rule)
    silenced = await due.silence(tx, conversations, rule, now)
    await due.recompute(tx, conversations)
    return silenced
