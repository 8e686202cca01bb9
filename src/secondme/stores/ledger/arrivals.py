"""What arrived, written once, and what it sends back: a burst, and the owner's own word."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from secondme.domain.message import Inbound
from secondme.domain.profile import Account, Takes
from secondme.stores.ledger import due
from secondme.stores.ledger.ids import new_id
from secondme.stores.ledger.people import Whom
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal_row


@dataclass(frozen=True, slots=True)
class Arrival:
    """One inbound item with where it leads. `digest` is the keyed provider id."""

    id: UUID
    item: Inbound
    account: Account
    whom: Whom
    digest: str
    quotes: str | None  # keyed id of what it quotes
    concerns: str | None  # keyed id of what it edits, deletes or reacts to


def arrival(vault: Vault, item: Inbound, account: Account, whom: Whom) -> Arrival:
    """Give an item its id and its keyed provider ids."""
    quotes = vault.digest("message", item.quotes) if item.quotes else None
    concerns = vault.digest("message", item.target) if item.target else None
    return Arrival(new_id(), item, account, whom, vault.digest("message", item.provider_id), quotes, concerns)


_INSERT = """INSERT INTO messages (id, user_id, identity_id, conversation_id, account_id, created_at, client_timestamp,
    direction, content_type, text, raw_payload, source_message_id, source, quotes, outcome, rule, concerns, settled_at)
  SELECT a.id, a.user_id, a.identity_id, a.conversation_id, a.account_id, $1::timestamptz,
    least(a.sent_at, $1::timestamptz), a.direction, a.kind, a.text, a.raw, a.digest, a.source,
    CASE WHEN a.quotes IS NULL THEN NULL ELSE (
      SELECT q.id FROM messages q
      WHERE q.conversation_id = a.conversation_id AND q.source_message_id = a.quotes
      UNION ALL SELECT d.id FROM deliveries d
      WHERE d.conversation_id = a.conversation_id AND d.provider_message_id = a.quotes LIMIT 1) END,
    a.outcome, a.rule, a.concerns,
    CASE WHEN a.outcome IS NULL AND a.direction = 'incoming' THEN NULL ELSE $1::timestamptz END
  FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
    $10::bytea[], $11::bytea[], $12::text[], $13::bytea[], $14::text[], $15::text[], $16::text[], $17::text[])
    WITH ORDINALITY AS a (id, user_id, identity_id, conversation_id, account_id, sent_at, direction, kind,
      text, raw, digest, source, quotes, outcome, rule, concerns, place)
  ORDER BY a.place
  ON CONFLICT (account_id, identity_id, source_message_id) DO NOTHING RETURNING id, seq"""


async def insert(
    tx: Connection, arrivals: Sequence[Arrival], now: datetime, *, silent_rule: str | None = None
) -> dict[UUID, int]:
    """Write what is not yet known; returns the sequence numbers of the new rows by id.

    A provider's time that lies ahead becomes ours: it would hold back whatever comes after it.
    `silent_rule` ends them at once (for what is never answered); the owner's own words have no outcome.
    """
    columns = zip(*(_row(a, silent_rule) for a in arrivals), strict=True)
    return {row["id"]: row["seq"] for row in await tx.fetch(_INSERT, now, *columns)}


def _row(a: Arrival, silent_rule: str | None) -> tuple[object, ...]:
    item, kept = a.item, sealed(a)
    silent = silent_rule is not None and not item.from_me
    return (
        a.id,
        a.whom.contact_id,
        a.whom.identity_id,
        a.whom.conversation_id,
        item.account_id,
        item.sent_at,
        "outgoing" if item.from_me else "incoming",
        item.kind,
        kept["text"],
        kept["raw"],
        a.digest,
        kept["source"],
        a.quotes,
        "silent" if silent else None,
        silent_rule if silent else None,
        a.concerns,
    )


def sealed(a: Arrival) -> dict[str, bytes | None]:
    """What of an item is kept sealed: text, raw and source."""
    item = a.item
    raw = _written(item.raw) if item.raw else None
    return seal_row(
        a.whom.key, {"text": item.text or None, "raw": raw, "source": item.provider_id}, f"messages:{a.id}"
    )


def _written(raw: dict[str, Any]) -> bytes:
    """The JSON of a raw payload, as far as possible the fast way."""
    try:
        return orjson.dumps(raw)
    except TypeError:  # an integer of more than 64 bits, half a surrogate pair
        return json.dumps(raw).encode()


async def known(tx: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, UUID, str], UUID]:
    """The rows that these items already have, by (account, identity, digest)."""
    rows = await tx.fetch(
        """SELECT id, account_id, identity_id, source_message_id FROM messages
           WHERE identity_id = ANY($1) AND source_message_id = ANY($2)""",
        [a.whom.identity_id for a in arrivals],
        [a.digest for a in arrivals],
    )
    return {(r["account_id"], r["identity_id"], r["source_message_id"]): r["id"] for r in rows}


async def signs(tx: Connection) -> tuple[bool, int]:
    """Whether there is any tombstone (most instances have none, and digests cost time), and how often a number has
    moved to somebody else: what was remembered of addresses before is not to be trusted."""
    row = await tx.fetchrow(
        """SELECT EXISTS (SELECT 1 FROM tombstones) AS buried,
             coalesce((SELECT value::text::bigint FROM settings WHERE key = 'numbers_moved'), 0) AS moved"""
    )
    return bool(row and row["buried"]), int(row["moved"]) if row else 0


async def became_due(tx: Connection, arrivals: Sequence[Arrival], now: datetime) -> list[due.Receipt]:
    """New messages make their conversations due; where a Turn takes the burst, they send unsent plans back.

    Not where the oldest unanswered message has waited its full cap: somebody who never stops writing is answered
    all the same. Returns the messages that ended by it.
    """
    every = sorted({a.whom.conversation_id for a in arrivals})
    bursts = sorted({a.whom.conversation_id for a in arrivals if a.account.profile.takes is Takes.BURST})
    receipts = []
    if bursts:
        stirred = await patient(tx, bursts, now)
        await due.revoke(tx, stirred)
        receipts = await due.withdraw(tx, stirred, now)
    await due.recompute(tx, every)
    return receipts


async def patient(tx: Connection, conversations: Sequence[UUID], now: datetime) -> list[UUID]:
    """Those of them in which no unanswered message has waited its full cap: what is prepared there may begin anew."""
    rows = await tx.fetch(
        """SELECT v.id FROM unnest($1::uuid[]) AS v (id) WHERE NOT EXISTS (
             SELECT 1 FROM messages m JOIN accounts a ON a.id = m.account_id WHERE m.conversation_id = v.id
               AND m.direction = 'incoming' AND m.outcome IS NULL AND m.created_at + a.debounce_cap <= $2)""",
        conversations,
        now,
    )
    return [row["id"] for row in rows]


async def owner_spoke(tx: Connection, a: Arrival, seq: int, now: datetime) -> list[due.Receipt]:
    """The owner's own word: what waited before it ends silent, what was planned never leaves."""
    conversation = [a.whom.conversation_id]
    await due.revoke(tx, conversation)
    ended = await due.withdraw(tx, conversation, now)
    ended += await due.silence(tx, conversation, "owner.stepped_in", now, up_to_seq=seq)
    await tx.execute(
        "UPDATE conversations SET last_owner_at = greatest(last_owner_at, $2), claims = 0 WHERE id = $1",
        a.whom.conversation_id,
        now,
    )
    await due.recompute(tx, conversation)
    return ended


async def pause_for_owner(tx: Connection, contact_id: UUID, now: datetime, length: timedelta) -> datetime:
    """Pause the contact because the owner wrote; a running pause is made longer, never shorter. Returns its end."""
    until: datetime | None = await tx.fetchval(
        """UPDATE pauses SET until = greatest(until, $2) WHERE user_id = $1 AND reason = 'owner_word'
             AND lifted_at IS NULL AND until > $3 RETURNING until""",
        contact_id,
        now + length,
        now,
    )
    if until is None:
        until = now + length
        await tx.execute(
            "INSERT INTO pauses (id, user_id, reason, since, until) VALUES ($1, $2, 'owner_word', $3, $4)",
            uuid4(),
            contact_id,
            now,
            until,
        )
    return until
