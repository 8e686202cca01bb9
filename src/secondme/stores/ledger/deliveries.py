"""Deliveries: what may go next, the fence that every byte passes, and what is known afterwards."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from secondme.domain.delivery import DeliveryKind, Outgoing, Sent, StatusUpdate
from secondme.stores.ledger import due
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal

SWITCH_LOCK = 7103003
CONTACT_LOCK = 7103004
_OVERTAKEN_AFTER = timedelta(seconds=10)

# A pause that ended after the message arrived still forbids the answer: what met a pause is never answered.
_MET_PAUSE = "coalesce(least(p.until, p.lifted_at), 'infinity') > least(m.created_at, $2)"


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
    part: int
    typing_ms: int
    mind: str | None
    tokens: int
    arrived: datetime


async def ready(tx: Connection, accounts: list[str], now: datetime, limit: int) -> list[Ready]:
    """What may go now: the first open delivery of each conversation, if its moment has come."""
    rows = await tx.fetch(
        """SELECT d.id, d.account_id, d.user_id, d.conversation_id, d.turn_id, d.attempts FROM deliveries d
           WHERE d.status = 'planned' AND d.not_before <= $1 AND d.account_id = ANY($2) AND NOT EXISTS (
             SELECT 1 FROM deliveries e WHERE e.conversation_id = d.conversation_id AND e.seq < d.seq
               AND e.status IN ('planned', 'in_flight'))
           ORDER BY d.not_before LIMIT $3""",
        now,
        accounts,
        limit,
    )
    return [_ready(row) for row in rows]


def _ready(r: asyncpg.Record) -> Ready:
    return Ready(r["id"], r["account_id"], r["user_id"], r["conversation_id"], r["turn_id"], r["attempts"])


async def next_moment(tx: Connection, busy: list[UUID]) -> datetime | None:
    """When the next planned delivery may go, leaving out conversations that are `busy` here or on the wire."""
    moment: datetime | None = await tx.fetchval(
        """SELECT min(d.not_before) FROM deliveries d WHERE d.status = 'planned' AND NOT (d.conversation_id = ANY($1))
             AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = d.conversation_id
               AND e.status = 'in_flight')""",
        busy,
    )
    return moment


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
              AND c.enabled AND (c.last_owner_at IS NULL OR c.last_owner_at < d.created_at)
              AND ($4::timestamptz IS NULL OR d.kind <> 'text' OR c.last_inbound_at > $4)
              AND NOT EXISTS (SELECT 1 FROM pauses p WHERE (p.user_id IS NULL OR p.user_id = d.user_id)
                AND {_MET_PAUSE})
              AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
                AND e.status IN ('planned', 'in_flight'))
            RETURNING d.id, d.kind, d.part, d.text, d.quotes, d.answers, d.typing_ms, d.turn_id, c.identity_id, k.key,
              i.address, t.mind, t.tokens, m.created_at AS arrived""",
        delivery.id,
        now,
        until,
        open_since,
        _OVERTAKEN_AFTER,
    )
    return await _in_flight(tx, vault, delivery, row) if row else None


async def _in_flight(tx: Connection, vault: Vault, delivery: Ready, row: asyncpg.Record) -> InFlight:
    key = vault.contact_key(delivery.contact_id, row["key"])
    about = row["answers"] if row["kind"] == DeliveryKind.READ else row["quotes"]
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
        row["part"],
        row["typing_ms"],
        row["mind"],
        row["tokens"],
        row["arrived"],
    )


async def sent(tx: Connection, vault: Vault, delivery: Ready, result: Sent, now: datetime) -> list[Receipt]:
    """The provider took it. An echo or a status may have said so before."""
    await due.lock(tx, [delivery.conversation_id])
    await _mark_sent(tx, vault, delivery.id, delivery.contact_id, result, now)
    return await _after(tx, vault, delivery.conversation_id, [delivery.turn_id], now)


async def _mark_sent(
    tx: Connection, vault: Vault, delivery_id: UUID, contact_id: UUID, result: Sent, now: datetime
) -> bool:
    key_row = await tx.fetchval("SELECT key FROM contacts WHERE id = $1", contact_id)
    if key_row is None:
        return False
    key, real = vault.contact_key(contact_id, key_row), result.provider_id
    done = await tx.fetchval(
        """UPDATE deliveries SET status = 'sent', sent_at = coalesce(sent_at, $2), settled_at = $2,
             progress = CASE WHEN progress IN ('delivered', 'read') THEN progress ELSE $3 END, error = NULL,
             provider_message_id = coalesce($4, provider_message_id), provider = coalesce($5, provider)
           WHERE id = $1 AND status IN ('in_flight', 'uncertain', 'sent') RETURNING true""",
        delivery_id,
        now,
        result.progress,
        vault.digest("message", real) if real else None,
        seal(key, real, f"deliveries:{delivery_id}:provider") if real else None,
    )
    return bool(done)


async def not_sent(
    tx: Connection, delivery: Ready, retry_at: datetime | None, error: str, now: datetime
) -> list[Receipt]:
    """No byte left: planned again for `retry_at`, or failed for good. Presence is never tried again.

    One that a press has named uncertain meanwhile ends failed: it is now known that nothing left.
    """
    return await _end(
        tx,
        delivery,
        """UPDATE deliveries SET status = CASE WHEN $4::timestamptz IS NULL OR kind <> 'text' OR status = 'uncertain'
             THEN 'failed' ELSE 'planned' END, not_before = coalesce($4, not_before), error = $2, settled_at = $3
           WHERE id = $1 AND status IN ('in_flight', 'uncertain')""",
        now,
        (error, now, retry_at),
    )


async def uncertain(tx: Connection, delivery: Ready, error: str, now: datetime) -> list[Receipt]:
    """Bytes may have left. A presence row that is uncertain matters to nobody and counts as failed."""
    return await _end(
        tx,
        delivery,
        """UPDATE deliveries SET status = CASE WHEN kind = 'text' THEN 'uncertain' ELSE 'failed' END, error = $2,
             settled_at = $3 WHERE id = $1 AND status = 'in_flight'""",
        now,
        (error, now),
    )


async def _end(
    tx: Connection, delivery: Ready, statement: str, now: datetime, values: tuple[object, ...]
) -> list[Receipt]:
    await due.lock(tx, [delivery.conversation_id])
    await tx.execute(statement, delivery.id, *values)
    receipts = await due.settle_turns(tx, [delivery.turn_id], now)
    await due.recompute(tx, [delivery.conversation_id])
    return receipts


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


async def sweep(tx: Connection, now: datetime) -> list[Receipt]:
    """Deliveries whose sender must be gone: nobody knows whether they arrived."""
    receipts: list[Receipt] = []
    for lost in await open_in_flight(tx, older_than=now):
        receipts += await uncertain(tx, lost, "sender.gone", now)
    return receipts


async def refused(tx: Connection, delivery: Ready, now: datetime) -> list[Receipt]:
    """The fence said no: find out why and end what that ends."""
    await due.lock(tx, [delivery.conversation_id])
    row = await tx.fetchrow(
        f"""SELECT c.enabled, c.last_owner_at >= d.created_at AS stepped_in,
              EXISTS (SELECT 1 FROM pauses p WHERE p.user_id IS NULL AND {_MET_PAUSE}) AS stopped,
              EXISTS (SELECT 1 FROM pauses p WHERE p.user_id = d.user_id AND {_MET_PAUSE}) AS paused,
              EXISTS (SELECT 1 FROM deliveries e WHERE e.conversation_id = c.id AND e.seq < d.seq
                AND e.status IN ('planned', 'in_flight')) AS behind
            FROM deliveries d JOIN conversations c ON c.id = d.conversation_id JOIN messages m ON m.id = d.answers
            WHERE d.id = $1 AND d.status = 'planned'""",
        delivery.id,
        now,
    )
    if row is None or row["behind"]:
        return []
    causes = (
        ("switch.pressed", row["stopped"]),
        ("contact.paused", row["paused"]),
        ("contact.disabled", not row["enabled"]),
        ("owner.stepped_in", row["stepped_in"]),
    )
    rule = next((rule for rule, holds in causes if holds), "window.closed")
    await due.withdraw(tx, [delivery.conversation_id], now)
    silenced = await due.silence(tx, [delivery.conversation_id], rule, now)
    await due.recompute(tx, [delivery.conversation_id])
    return silenced


async def settle_by_word(
    tx: Connection,
    vault: Vault,
    account_id: str,
    *,
    result: Sent,
    now: datetime,
    callback: str | None = None,
    conversation_id: UUID | None = None,
    text: str | None = None,
) -> list[Receipt] | None:
    """An echo or a status about something of ours settles it as sent; None where it is not ours.

    By the provider's id, by our id that it returned, or, while a delivery of that conversation is in flight or
    uncertain, by a keyed digest of its text.
    """
    row = await tx.fetchrow(
        """SELECT id, user_id, conversation_id, turn_id FROM deliveries
           WHERE account_id = $1 AND kind = 'text' AND status IN ('in_flight', 'uncertain', 'sent')
             AND ($4::uuid IS NULL OR conversation_id = $4)
             AND (provider_message_id = $2 OR id = $3
               OR ($4 IS NOT NULL AND text_digest = $5 AND status IN ('in_flight', 'uncertain')))
           ORDER BY seq LIMIT 1""",
        account_id,
        vault.digest("message", result.provider_id) if result.provider_id else None,
        _uuid(callback),
        conversation_id,
        vault.digest("echo", text) if text else None,
    )
    if row is None:
        return None
    await due.lock(tx, [row["conversation_id"]])
    if await _mark_sent(tx, vault, row["id"], row["user_id"], result, now):
        await _progress(tx, row["id"], result.progress)
    return await _after(tx, vault, row["conversation_id"], [row["turn_id"]], now)


async def settle_by_status(
    tx: Connection, vault: Vault, update: StatusUpdate, now: datetime
) -> list[Receipt]:
    """A provider's status: any good word proves that it arrived; `failed` is its final no."""
    result = Sent(update.provider_id, update.progress)
    if update.progress != "failed":
        receipts = await settle_by_word(
            tx, vault, update.account_id, result=result, now=now, callback=update.callback
        )
        return receipts or []
    row = await tx.fetchrow(
        """SELECT id, conversation_id, turn_id FROM deliveries WHERE account_id = $1 AND kind = 'text'
             AND status IN ('in_flight', 'uncertain', 'sent') AND (provider_message_id = $2 OR id = $3) LIMIT 1""",
        update.account_id,
        vault.digest("message", update.provider_id) if update.provider_id else None,
        _uuid(update.callback),
    )
    if row is None:
        return []
    await due.lock(tx, [row["conversation_id"]])
    await tx.execute(
        "UPDATE deliveries SET status = 'failed', settled_at = $2, error = $3, progress = 'failed' WHERE id = $1",
        row["id"],
        now,
        update.error,
    )
    return await _after(tx, vault, row["conversation_id"], [row["turn_id"]], now)


async def _progress(tx: Connection, delivery_id: UUID, word: str) -> None:
    """Delivered or read: later words only ever move it forward."""
    await tx.execute(
        """UPDATE deliveries SET progress = $2 WHERE id = $1
             AND array_position(ARRAY['sent', 'delivered', 'read'], $2)
               > coalesce(array_position(ARRAY['sent', 'delivered', 'read'], progress), 0)""",
        delivery_id,
        word,
    )


async def _after(
    tx: Connection, vault: Vault, conversation_id: UUID, turns: list[UUID], now: datetime
) -> list[Receipt]:
    receipts = await due.settle_turns(tx, turns, now)
    for receipt in receipts:
        await _keep_reply(tx, vault, receipt)
    await due.recompute(tx, [conversation_id])
    return receipts


async def _keep_reply(tx: Connection, vault: Vault, receipt: Receipt) -> None:
    """The documented reply_text: the parts that spoke to this message, as sent."""
    rows = await tx.fetch(
        """SELECT d.id, d.text, c.key FROM deliveries d JOIN contacts c ON c.id = d.user_id
           WHERE d.answers = $1 AND d.kind = 'text' AND d.status = 'sent' AND d.text IS NOT NULL ORDER BY d.part""",
        receipt.message_id,
    )
    if not rows:
        return
    key = vault.contact_key(receipt.contact_id, rows[0]["key"])
    text = "\n".join(unseal(key, r["text"], f"deliveries:{r['id']}:text") for r in rows)
    await tx.execute(
        "UPDATE messages SET reply_text = $2 WHERE id = $1",
        receipt.message_id,
        seal(key, text, f"messages:{receipt.message_id}:reply_text"),
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
