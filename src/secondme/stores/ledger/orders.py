"""What the owner orders: a message of theirs, a Turn that a mind had no part in, and the one delivery of both.

The message and its delivery have one id, so that whatever leads to either leads to the line in the thread.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.order import Order
from secondme.stores.ledger import due
from secondme.stores.ledger.ids import new_id
from secondme.stores.ledger.people import Whom
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal

RULE = "owner.sent"
_PART = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands: its delivery's status, and the rule by which it ended if it was not sent.

    `error`: what came of it, in a sentence with the provider's code, or one of our words.
    """

    status: str
    rule: str | None
    error: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Holds:
    """What keeps an order from being placed."""

    enabled: bool
    stopped: bool
    paused: bool
    last_inbound_at: datetime | None


async def holds(tx: Connection, conversation_id: UUID, now: datetime) -> Holds:
    """What would hold an order back there. Locks the conversation: nothing changes until the order is placed."""
    await due.lock(tx, [conversation_id])
    row = await tx.fetchrow(
        """SELECT c.enabled, c.last_inbound_at,
             EXISTS (SELECT 1 FROM pauses p WHERE p.user_id IS NULL AND p.lifted_at IS NULL
               AND coalesce(p.until, 'infinity') > $2) AS stopped,
             EXISTS (SELECT 1 FROM pauses p WHERE p.user_id = c.user_id AND p.lifted_at IS NULL
               AND coalesce(p.until, 'infinity') > $2) AS paused
           FROM conversations c WHERE c.id = $1""",
        conversation_id,
        now,
    )
    assert row is not None, "the conversation is locked, so it is there"
    return Holds(row["enabled"], row["stopped"], row["paused"], row["last_inbound_at"])


async def place(
    tx: Connection, vault: Vault, whom: Whom, account_id: str, order: Order, now: datetime
) -> UUID:
    """Plan it; returns the id of the message and of its delivery. The caller holds the conversation's lock.

    It has no provider's time: what was written before it and comes after it is not late for that.
    """
    id_, turn = new_id(), uuid4()
    await tx.execute(
        """INSERT INTO turns (id, conversation_id, user_id, created_at, rule, quotes_when_overtaken)
           VALUES ($1, $2, $3, $4, $5, false)""",
        turn,
        whom.conversation_id,
        whom.contact_id,
        now,
        RULE,
    )
    await tx.execute(
        """INSERT INTO messages (id, user_id, identity_id, conversation_id, account_id, created_at, direction,
             content_type, text, source_message_id, turn_id)
           VALUES ($1, $2, $3, $4, $5, $6, 'outgoing', $7, $8, $9, $10)""",
        id_,
        whom.contact_id,
        whom.identity_id,
        whom.conversation_id,
        account_id,
        now,
        order.shown_as,
        seal(whom.key, order.words, f"messages:{id_}:text") if order.words else None,
        vault.digest("order", str(id_)),
        turn,
    )
    await _deliver(tx, vault, whom, account_id, order, id_, turn, now)
    await due.recompute(tx, [whom.conversation_id])
    return id_


async def _deliver(
    tx: Connection,
    vault: Vault,
    whom: Whom,
    account_id: str,
    order: Order,
    id_: UUID,
    turn: UUID,
    now: datetime,
) -> None:
    await tx.execute(
        """INSERT INTO deliveries (id, account_id, conversation_id, user_id, turn_id, kind, part, status, answers,
             text, text_digest, created_at, not_before)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'planned', $1, $8, $9, $10, $10)""",
        id_,
        account_id,
        whom.conversation_id,
        whom.contact_id,
        turn,
        order.kind,
        _PART,
        seal(whom.key, json.dumps(order.content), f"deliveries:{id_}:text"),
        vault.digest("echo", order.caption) if order.caption else None,
        now,
    )
    await tx.execute(
        "INSERT INTO delivery_answers (message_id, part, delivery_id) VALUES ($1, $2, $1)", id_, _PART
    )


async def whom_of(tx: Connection, vault: Vault, conversation_id: UUID) -> Whom | None:
    """Where an order to this conversation goes; None where it was forgotten meanwhile."""
    row: asyncpg.Record | None = await tx.fetchrow(
        """SELECT c.user_id, c.identity_id, k.key FROM conversations c JOIN contacts k ON k.id = c.user_id
           WHERE c.id = $1""",
        conversation_id,
    )
    if row is None:
        return None
    key = vault.contact_key(row["user_id"], row["key"])
    return Whom(row["user_id"], row["identity_id"], conversation_id, key)


async def serves(tx: Connection, account_id: str) -> bool:
    """Whether the account was ever served: one that only this shell knows has no mouth."""
    return bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1)", account_id))


async def standing(tx: Connection, id_: UUID) -> Standing | None:
    """How an order stands; None where its contact was forgotten meanwhile."""
    row = await tx.fetchrow(
        """SELECT d.status, d.error, CASE WHEN m.outcome = 'replied' THEN NULL ELSE m.rule END AS rule
           FROM deliveries d JOIN messages m ON m.id = d.answers WHERE d.id = $1""",
        id_,
    )
    return Standing(row["status"], row["rule"], row["error"]) if row else None
