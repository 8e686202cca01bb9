"""What goes, and when: content past its window, tombstones, and everything of a person who is forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

from secondme.stores.ledger import voices
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault

_AT_MOST = timedelta(hours=24)  # windowed content goes after this, whatever still waits
_TOMBSTONE = timedelta(days=8)
_ROWS = timedelta(days=30)  # emptied rows keep their receipts for so long
_BATCH = 5_000


async def expire_held(tx: Connection, now: datetime) -> list[UUID]:
    """Messages that outlived the content window unanswered end silent, expired, before their content goes."""
    rows = await tx.fetch(
        """WITH expired AS (
             UPDATE messages m SET outcome = 'silent', rule = 'message.expired', settled_at = $1
             FROM accounts a WHERE a.id = m.account_id AND a.content_window IS NOT NULL AND m.outcome IS NULL
               AND m.direction = 'incoming' AND m.turn_id IS NULL AND m.created_at < $2
             RETURNING m.id, m.conversation_id)
           SELECT id, conversation_id FROM expired""",
        now,
        now - _AT_MOST,
    )
    return [row["id"] for row in rows]


async def purge_content(tx: Connection, now: datetime, retention: timedelta) -> int:
    """Empty what is past its window: messages first, then what was said about and around them. Returns messages."""
    done = await tx.fetch(
        """UPDATE messages SET text = NULL, raw_payload = NULL, reply_text = NULL, source = NULL,
             erased_at = $1::timestamptz
           WHERE id IN (
             SELECT m.id FROM messages m JOIN accounts a ON a.id = m.account_id
             WHERE m.erased_at IS NULL AND (
               (a.content_window IS NULL AND m.created_at < $2)
               OR (a.content_window IS NOT NULL AND m.created_at < $3)
               OR (a.content_window IS NOT NULL AND m.settled_at < $1::timestamptz - a.content_window AND NOT EXISTS (
                 SELECT 1 FROM messages w WHERE w.conversation_id = m.conversation_id AND w.direction = 'incoming'
                   AND w.outcome IS NULL)))
             LIMIT $4)
           RETURNING id""",
        now,
        now - retention,
        now - _AT_MOST,
        _BATCH,
    )
    await tx.execute(
        """UPDATE deliveries d SET text = NULL, provider = NULL FROM messages m
           WHERE m.id = d.answers AND m.erased_at IS NOT NULL AND (d.text IS NOT NULL OR d.provider IS NOT NULL)
             AND d.status NOT IN ('planned', 'in_flight')"""
    )
    await tx.execute(
        """UPDATE turns t SET why = NULL WHERE t.why IS NOT NULL AND t.created_at < $1 AND NOT EXISTS (
             SELECT 1 FROM messages m WHERE m.conversation_id = t.conversation_id AND m.erased_at IS NULL
               AND m.created_at <= t.created_at)""",
        now - timedelta(minutes=1),
    )
    return len(done)


async def purge_rows(tx: Connection, now: datetime) -> None:
    """Drop rows that have said all they can: old receipts, old tombstones, old kept-aside items."""
    await tx.execute(
        """DELETE FROM messages WHERE erased_at IS NOT NULL AND created_at < $1
             AND (outcome IS NOT NULL OR direction = 'outgoing')""",
        now - _ROWS,
    )
    await tx.execute("DELETE FROM turns WHERE why IS NULL AND created_at < $1", now - _ROWS)
    await tx.execute("DELETE FROM tombstones WHERE expires_at < $1", now)
    await tx.execute("DELETE FROM kept_aside WHERE created_at < $1", now - _ROWS)
    await tx.execute("DELETE FROM pauses WHERE least(until, lifted_at) < $1", now - _ROWS)


async def forget(
    tx: Connection, vault: Vault, contact_id: UUID, partner_digests: list[str], now: datetime
) -> dict[str, int]:
    """Erase a contact: their key, every row, and voice examples learned from an export of the talk with them.

    Tombstones stay for eight days, so that a late redelivery is still known. Returns what went, by noun.
    """
    counts = {
        "messages": await tx.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", contact_id),
        "deliveries": await tx.fetchval("SELECT count(*) FROM deliveries WHERE user_id = $1", contact_id),
    }
    rows = await tx.fetch(
        """SELECT m.account_id, i.channel_user_key, m.source_message_id FROM messages m
           JOIN identities i ON i.id = m.identity_id WHERE m.user_id = $1 AND m.created_at > $2""",
        contact_id,
        now - _TOMBSTONE,
    )
    await tx.executemany(
        "INSERT INTO tombstones (digest, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [
            (
                tombstone(vault, r["account_id"], r["channel_user_key"], r["source_message_id"]),
                now + _TOMBSTONE,
            )
            for r in rows
        ],
    )
    kept = await tx.fetch(
        """WITH gone AS (DELETE FROM imports WHERE partner = ANY($1) RETURNING kept) SELECT kept FROM gone""",
        partner_digests,
    )
    counts["voice examples"] = sum(row["kept"] for row in kept)
    if kept:
        # The learned persona quotes from the same chats.
        await tx.execute("DELETE FROM personas WHERE id = $1", voices.OWN)
        await voices.changed(tx)
    await tx.execute("DELETE FROM contacts WHERE id = $1", contact_id)
    return counts


def tombstone(vault: Vault, account_id: str, address_digest: str, message_digest: str) -> str:
    """What remains of an erased message: a keyed digest."""
    return vault.digest("tombstone", account_id, address_digest, message_digest)
