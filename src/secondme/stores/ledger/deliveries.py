"""Deliveries: what may go next, the fence that every byte passes, and what is known afterwards."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

SWITCH_LOCK = 7103003
CONTACT_LOCK = 7103004
_OVERTAKEN_AFTER = timedelta(seconds=10)
# A plan that missed its moment by so much (the mouth was away) goes back to the judge: it may be late or night now.
PLAN_LIVES = timedelta(minutes=2)

# A pause that ended after the message arrived still forbids the answer: what met a pause is never answered.
MET_PAUSE = "coalesce(least(p.until, p.lifted_at), 'infinity') > least(m.created_at, $2)"


@dataclass(frozen=True, slots=True)
class Ready:
    """A planned delivery whose moment has come and before which nothing in its conversation is open."""

    id: UUID
    account_id: str
    contact_id: UUID
    conversation_id: UUID
    turn_id: UUID
    attempts: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """A delivery whose intent is committed: what to send, and what the audit log may say of it."""

    outgoing: Outgoing
    ready: Ready
    message_id: UUID
    alone: bool  # the only part that speaks to its message
    typing_ms: int
    mind: str | None
    tokens: int
    arrived: datetime


async def ready(
    tx: Connection, accounts: list[str], busy: list[UUID], until: datetime, limit: int
) -> list[tuple[datetime, Ready]]:
    """What may go by `until`, with its moment: the first open delivery of each conversation that is not `busy` here."""
    rows = await tx.fetch(
        """SELECT d.id, d.account_id, d.user_id, d.conversation_id, d.turn_id, d.attempts, d.not_before
           FROM deliveries d
           WHERE d.status = 'planned' AND d.not_before <= $1 AND d.account_id = ANY($2)
             AND NOT (d.conversation_id = ANY($3)) AND NOT EXISTS (
               SELECT 1 FROM deliveries e WHERE e.conversation_id = d.conversation_id AND e.seq < d.seq
                 AND e.status IN ('planned', 'in_flight'))
           ORDER BY d.not_before LIMIT $4""",
        until,
        accounts,
        busy,
        limit,
    )
    return [(row["not_before"], _ready(row)) for row in rows]


def _ready(r: asyncpg.Record) -> Ready:
    return Ready(r["id"], r["account_id"], r["user_id"], r["conversation_id"], r["turn_id"], r["attempts"])


async def pass_fence(
    tx: Connection, vault: Vault, delivery: Ready, now: datetime, until: datetime, open_since: datetime | None
) -> InFlight | None:
    """Commit the intent to send, if everything still allows it; None where something forbids it.

    The locks are taken in a statement of their own, so that the second statement sees whatever a press has
    committed before them. `until` is when nobody can still be sending it; `open_since` closes the provider's
    24-hour window: a conversation without an inbound since then gets no text.
    """
    await tx.execute(
        "SELECT pg_advisory_xact_lock_shared($1, 0), pg_advisory_xact_lock_shared($2, hashtext($3))",
        SWITCH_LOCK,
        CONTACT_LOCK,
        str(delivery.contact_id),
    )
    row = await tx.fetchrow(
        f"""UPDATE deliveries d SET status = 'in_flight', in_flight_at = $2, in_flight_until = $3,
              attempts = d.attempts + 1,
              quotes = CASE
                WHEN d.quotes IS NOT NULL OR d.kind <> 'text' OR d.part > 1 OR NOT t.quotes_when_overtaken THEN d.quotes
                WHEN $2 - m.created_at > $5 OR (SELECT count(*) FROM messages x WHERE x.conversation_id = c.id
                  AND x.direction = 'incoming' AND x.seq > m.seq
                  AND x.content_type NOT IN ('edit', 'deletion', 'reaction')) > 1 THEN d.answers ELSE NULL END
            FROM conversations c, contacts k, identities i, turns t, messages m
            WHERE d.id = $1 AND d.status = 'planned' AND c.id = d.conversation_id AND k.id = d.user_id
              AND i.id = c.identity_id AND t.id = d.turn_id AND m.id = d.answers
              AND d.not_before > $6 AND c.enabled AND (c.last_owner_at IS NULL OR c.last_owner_at < d.created_at)
              AND ($4::timestamptz IS NULL OR d.kind <> 'text' OR c.last_inbound_at > $4)
              AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.user_id IS NULL OR p.user_id = d.user_id)
                AND {MET_PAUSE})
              AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
                AND e.status IN ('planned', 'in_flight'))
            RETURNING d.id, d.kind, d.part, d.text, d.quotes, d.answers, d.typing_ms, d.turn_id, c.identity_id, k.key,
              i.address, t.mind, t.tokens, m.created_at AS arrived, (SELECT count(*) FROM deliveries x
                WHERE x.turn_id = d.turn_id AND x.answers = d.answers AND x.kind = 'text') = 1
                AND d.kind = 'text' AS alone""",
        delivery.id,
        now,
        until,
        open_since,
        _OVERTAKEN_AFTER,
        now - PLAN_LIVES,
    )
    return await _in_flight(tx, vault, delivery, row) if row else None


async def _in_flight(tx: Connection, vault: Vault, delivery: Ready, row: asyncpg.Record) -> InFlight:
    key = vault.contact_key(delivery.contact_id, row["key"])
    about = row["quotes"] if row["kind"] == DeliveryKind.TEXT else row["answers"]
    source = await tx.fetchval("SELECT source FROM messages WHERE id = $1", about) if about else None
    outgoing = Outgoing(
        delivery_id=delivery.id,
        account_id=delivery.account_id,
        address=unseal(key, row["address"], f"identities:{row['identity_id']}:address"),
        kind=DeliveryKind(row["kind"]),
        text=unseal(key, row["text"], f"deliveries:{delivery.id}:text") if row["text"] else "",
        quotes=unseal(key, source, f"messages:{about}:source") if source else None,
    )
    return InFlight(
        outgoing,
        delivery,
        row["answers"],
        row["alone"],
        row["typing_ms"],
        row["mind"],
        row["tokens"],
        row["arrived"],
    )


async def open_in_flight(
    tx: Connection, contact_id: UUID | None = None, older_than: datetime | None = None
) -> list[Ready]:
    """What is in flight, by conversation: all of it, one contact's, or what nobody can still be sending."""
    rows = await tx.fetch(
        """SELECT id, account_id, user_id, conversation_id, turn_id, attempts FROM deliveries
           WHERE status = 'in_flight' AND ($1::uuid IS NULL OR user_id = $1)
             AND ($2::timestamptz IS NULL OR in_flight_until < $2) ORDER BY conversation_id""",
        contact_id,
        older_than,
    )
    return [_ready(row) for row in rows]
