"""What goes, and when: content past its window, tombstones, and everything of a person who is forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

from secondme.stores.ledger import aside, due, identities, people, tombstones, voices
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault

_AT_MOST = timedelta(hours=24)  # windowed content goes after this, whatever still waits
_ROWS = timedelta(days=30)  # emptied rows keep their receipts for so long
_BATCH = 5_000


async def expire_held(tx: Connection, now: datetime) -> list[due.Receipt]:
    """Messages that outlived the content window unanswered end silent, expired, before their content goes.

    What was planned for them never leaves. Returns the messages that ended.
    """
    rows = await tx.fetch(
        """SELECT m.id, m.conversation_id, m.turn_id FROM messages m JOIN accounts a ON a.id = m.account_id
           WHERE a.content_window IS NOT NULL AND m.outcome IS NULL AND m.direction = 'incoming'
             AND m.created_at < $1 LIMIT $2""",
        now - _AT_MOST,
        _BATCH,
    )
    if not rows:
        return []
    conversations = sorted({row["conversation_id"] for row in rows})
    await due.lock(tx, conversations)
    ended = []
    for turn in {row["turn_id"] for row in rows if row["turn_id"]}:
        ended += await due.withdraw(tx, conversations, now, turn=turn)
    ended += await due.silence(tx, conversations, "message.expired", now, only=[row["id"] for row in rows])
    await due.recompute(tx, conversations)
    return ended


async def purge_content(tx: Connection, now: datetime, retention: timedelta) -> int:
    """Empty what is past its window: messages, what was said to them, and why. Returns messages.

    What is past its window by its receipt waits for the graph to learn from it, until the end of the day.
    One statement, so that no reply can outlive its message.
    """
    done = await tx.fetch(
        """WITH gone AS (
             UPDATE messages SET text = NULL, raw_payload = NULL, reply_text = NULL, source = NULL,
               erased_at = coalesce(erased_at, $1::timestamptz)
             WHERE id IN (
               SELECT m.id FROM accounts a JOIN messages m ON m.account_id = a.id
                 AND m.created_at < CASE WHEN a.content_window IS NULL THEN $2 ELSE $1::timestamptz END
               WHERE (m.erased_at IS NULL OR m.reply_text IS NOT NULL OR m.source IS NOT NULL)
                 AND (a.content_window IS NULL OR m.created_at < $3
                   OR (m.settled_at < $1::timestamptz - a.content_window
                     AND coalesce(m.learned_at, m.erased_at) IS NOT NULL AND NOT EXISTS (
                     SELECT 1 FROM messages w WHERE w.conversation_id = m.conversation_id
                       AND w.direction = 'incoming' AND w.outcome IS NULL)))
                 AND NOT EXISTS (
                   SELECT 1 FROM deliveries d WHERE d.conversation_id = m.conversation_id AND d.answers = m.id
                     AND d.kind NOT IN ('typing', 'read') AND d.status IN ('planned', 'in_flight'))
               LIMIT $4)
             RETURNING id, conversation_id),
           said AS (
             UPDATE deliveries d SET text = NULL, text_digest = NULL, provider = NULL FROM gone
             WHERE d.conversation_id = gone.conversation_id AND d.answers = gone.id),
           explained AS (
             UPDATE turns t SET why = NULL WHERE t.why IS NOT NULL
               AND t.conversation_id IN (SELECT conversation_id FROM gone) AND NOT EXISTS (
                 SELECT 1 FROM messages m WHERE m.conversation_id = t.conversation_id AND m.erased_at IS NULL
                   AND m.created_at <= t.created_at AND m.id NOT IN (SELECT id FROM gone)))
           SELECT id FROM gone""",
        now,
        now - retention,
        now - _AT_MOST,
        _BATCH,
    )
    return len(done)


async def purge_rows(tx: Connection, now: datetime) -> None:
    """Drop rows that have said all they can: old receipts, old tombstones, old kept-aside items."""
    await tx.execute(
        """DELETE FROM messages WHERE erased_at IS NOT NULL AND created_at < $1
             AND (outcome IS NOT NULL OR direction = 'outgoing')""",
        now - _ROWS,
    )
    await tx.execute(
        """DELETE FROM turns t WHERE t.why IS NULL AND t.created_at < $1
             AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.turn_id = t.id AND d.text IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.turn_id = t.id AND m.erased_at IS NULL)""",
        now - _ROWS,
    )
    await tx.execute("DELETE FROM tombstones WHERE expires_at < $1", now)
    await tx.execute(
        """DELETE FROM kept_aside k WHERE k.created_at < $1 OR (k.created_at < $2 AND EXISTS (
             SELECT 1 FROM accounts a WHERE a.id = k.account_id AND a.content_window IS NOT NULL))""",
        now - _ROWS,
        now - _AT_MOST,
    )
    await tx.execute("DELETE FROM pauses WHERE least(until, lifted_at) < $1", now - _ROWS)


async def forget(
    tx: Connection, vault: Vault, contact_id: UUID, partner_digests: list[str], now: datetime
) -> dict[str, int]:
    """Erase a contact: their key, every row, and voice examples learned from an export of the talk with them.

    Tombstones stay for eight days, so that a late redelivery or echo is still known. Returns what went, by noun.
    """
    await _lock(tx, contact_id)
    counts = {
        "messages": await tx.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", contact_id),
        "deliveries": await tx.fetchval("SELECT count(*) FROM deliveries WHERE user_id = $1", contact_id),
    }
    await _bury(tx, vault, contact_id, now)
    examples, personas = await voices.forget(tx, partner_digests, contact_id)
    counts["voice examples"] = examples
    if personas:
        counts["learned voice"] = personas
    await tx.execute("DELETE FROM contacts WHERE id = $1", contact_id)
    return counts


async def _bury(tx: Connection, vault: Vault, contact_id: UUID, now: datetime) -> None:
    known = await identities.keys_of(tx, contact_id)
    await tombstones.bury(tx, vault, {identity_id: keys for identity_id, _, keys in known}, now)
    await aside.forget(tx, [key for _, _, keys in known for key in keys], now)


async def _lock(tx: Connection, contact_id: UUID) -> None:
    """Addresses, then conversations, as everybody locks; the cascade takes whatever is below."""
    known = await identities.keys_of(tx, contact_id)
    await people.lock_addresses(tx, {f"{network}:{key}" for _, network, keys in known for key in keys})
    await tx.execute("SELECT 1 FROM conversations WHERE user_id = $1 ORDER BY id FOR UPDATE", contact_id)
