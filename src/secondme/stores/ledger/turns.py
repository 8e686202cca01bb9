"""Turns: who is due, who holds it, what they answer, and the one commit that ends it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.domain.errors import ConfigError
from secondme.domain.message import Kind, Line, Message, Outcome
from secondme.domain.pause import Pause, PauseReason
from secondme.domain.profile import Account, Takes
from secondme.domain.turn import Contact, Turn
from secondme.observe.logs import get_logger
from secondme.stores.ledger import due
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

log = get_logger(__name__)
_BURST_LIMIT = 50  # messages of one Turn; those beyond wait for the next
MAX_CLAIMS = 10  # a conversation claimed so often without an end crashes whoever composes it


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased conversation, before its messages are loaded; `person` is whom it is with, as the ledger keeps them."""

    conversation_id: UUID
    account_id: str
    token: UUID
    attempts: int
    claims: int
    person: asyncpg.Record


async def claim(
    tx: Connection, now: datetime, limit: int, lease: timedelta, accounts: Collection[str]
) -> list[Claim]:
    """Lease up to `limit` due conversations of these accounts, longest due first.

    A lost claim is only claimed again: light will do. Pauses are those that still run or ended within the last eight
    days: longer than any message may wait.
    """
    rows = await tx.fetch(
        """WITH picked AS (
             SELECT id FROM conversations WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
               AND account_id = ANY($4)
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
           UPDATE conversations c SET lease_token = gen_random_uuid(), lease_until = $3, claims = c.claims + 1
           FROM picked, contacts k WHERE c.id = picked.id AND k.id = c.user_id
           RETURNING c.id, c.account_id, c.lease_token, c.attempts, c.claims, c.identity_id, c.user_id, c.enabled,
             c.answered_until, k.key, k.name, k.relationship, k.persona_id,
             ARRAY(SELECT ROW(p.id, p.user_id, p.reason, p.since, p.until, p.lifted_at) FROM pauses p
               WHERE (p.user_id IS NULL OR p.user_id = c.user_id)
                 AND coalesce(least(p.until, p.lifted_at), 'infinity') > $5) AS pauses""",
        now,
        limit,
        now + lease,
        list(accounts),
        now - timedelta(days=8),
    )
    return [Claim(r["id"], r["account_id"], r["lease_token"], r["attempts"], r["claims"], r) for r in rows]


async def next_due(tx: Connection, accounts: Collection[str]) -> datetime | None:
    """When the next conversation of these accounts is due, leased ones at the end of their lease."""
    moment: datetime | None = await tx.fetchval(
        """SELECT min(greatest(due_at, coalesce(lease_until, due_at))) FROM conversations
           WHERE due_at IS NOT NULL AND account_id = ANY($1)""",
        list(accounts),
    )
    return moment


async def unserved(tx: Connection, accounts: Collection[str], limit: int) -> list[UUID]:
    """Conversations with something waiting or planned on accounts that are not among these."""
    rows = await tx.fetch(
        """SELECT c.id FROM conversations c WHERE NOT (c.account_id = ANY($1)) AND (
             EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.direction = 'incoming'
               AND m.outcome IS NULL AND m.turn_id IS NULL)
             OR EXISTS (SELECT 1 FROM deliveries d WHERE d.conversation_id = c.id AND d.status = 'planned'))
           LIMIT $2""",
        list(accounts),
        limit,
    )
    return [row["id"] for row in rows]


async def renew(tx: Connection, tokens: Mapping[UUID, UUID], until: datetime) -> set[UUID]:
    """Keep leases while minds work: token by conversation. Returns those that are still held."""
    rows = await tx.fetch(
        """WITH held AS (
             SELECT c.id, h.token FROM conversations c JOIN unnest($1::uuid[], $2::uuid[]) AS h (id, token)
               ON c.id = h.id AND c.lease_token = h.token ORDER BY c.id FOR UPDATE OF c)
           UPDATE conversations c SET lease_until = $3 FROM held
           WHERE c.id = held.id AND c.lease_token = held.token RETURNING c.id""",
        list(tokens),
        list(tokens.values()),
        until,
    )
    return {row["id"] for row in rows}


async def load(
    tx: Connection, vault: Vault, claims: Sequence[Claim], accounts: Mapping[str, Account], now: datetime
) -> tuple[list[Turn], list[UUID]]:
    """The claimed conversations as Turns: what they answer by provider time, the contact, the pauses they met.

    Also the messages of those that cannot be opened, because a key or a sealed value of theirs is damaged.
    """
    by_id = {c.conversation_id: c for c in claims if c.account_id in accounts}
    if not by_id:
        return [], []
    waiting: dict[UUID, list[asyncpg.Record]] = {}
    for row in await _waiting(tx, list(by_id)):
        waiting.setdefault(row["conversation_id"], []).append(row)
    turns, unreadable = [], []
    for conversation_id, held in by_id.items():
        if rows := waiting.get(conversation_id):
            try:
                turns.append(_turn(vault, held, accounts[held.account_id], rows, now))
            except (InvalidTag, ConfigError, ValueError) as error:
                log.error("turn.unreadable", error=type(error).__name__)
                unreadable += [row["id"] for row in rows]
    return turns, unreadable


async def _waiting(tx: Connection, conversations: list[UUID]) -> list[asyncpg.Record]:
    """The oldest waiting messages of each, with how many had come within the minute that ended with each.

    What came after it within the same microsecond is not counted.
    """
    return list(
        await tx.fetch(
            """WITH waiting AS MATERIALIZED (
                 SELECT w.* FROM unnest($1::uuid[]) AS v (id) CROSS JOIN LATERAL (
                   SELECT m.id, m.conversation_id, m.content_type, m.text, m.created_at, m.client_timestamp, m.seq
                   FROM messages m WHERE m.conversation_id = v.id AND m.direction = 'incoming'
                     AND m.outcome IS NULL AND m.turn_id IS NULL
                   ORDER BY m.client_timestamp, m.seq LIMIT $2) w),
               span AS (
                 SELECT conversation_id, min(created_at) - interval '60 s' AS since, max(created_at) AS until
                 FROM waiting GROUP BY conversation_id),
               counted AS (
                 SELECT x.id, count(*) OVER (PARTITION BY x.conversation_id ORDER BY x.created_at
                     RANGE BETWEEN '59.999999 s' PRECEDING AND CURRENT ROW)
                   - count(*) OVER (PARTITION BY x.conversation_id, x.created_at ORDER BY x.seq
                     ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS recent
                 FROM span s JOIN messages x ON x.conversation_id = s.conversation_id
                   AND x.created_at > s.since AND x.created_at <= s.until AND x.direction = 'incoming'
                   AND x.content_type NOT IN ('edit', 'deletion', 'reaction', 'system'))
               SELECT w.*, coalesce(c.recent, 0) AS recent_count
               FROM waiting w LEFT JOIN counted c ON c.id = w.id
               ORDER BY w.conversation_id, w.client_timestamp, w.seq""",
            conversations,
            _BURST_LIMIT,
        )
    )


def _turn(
    vault: Vault,
    held: Claim,
    account: Account,
    rows: list[asyncpg.Record],
    now: datetime,
) -> Turn:
    person = held.person
    key = vault.contact_key(person["user_id"], person["key"])
    name = unseal(key, person["name"], f"contacts:{person['user_id']}:name") if person["name"] else None
    messages = [_message(key, row) for row in rows]
    late = [m for m in messages if person["answered_until"] and m.sent_at < person["answered_until"]]
    if late:
        messages = late[:1]
    elif account.profile.takes is Takes.OLDEST:
        messages = messages[:1]
    return Turn(
        id=uuid4(),
        account=account,
        conversation_id=held.conversation_id,
        identity_id=person["identity_id"],
        token=held.token,
        attempts=held.attempts,
        now=now,
        contact=Contact(
            person["user_id"],
            name,
            person["enabled"],
            person["relationship"],
            person["persona_id"],
            tuple(Pause(id, who, PauseReason(why), *moments) for id, who, why, *moments in person["pauses"]),
            person["key"],
        ),
        messages=tuple(messages),
        overtaken=bool(late),
    )


def _message(key: bytes, row: asyncpg.Record) -> Message:
    text = unseal(key, row["text"], f"messages:{row['id']}:text") if row["text"] else ""
    return Message(
        row["id"],
        Kind(row["content_type"]),
        text,
        row["created_at"],
        row["client_timestamp"],
        row["seq"],
        row["recent_count"],
    )


async def windows(tx: Connection, group: Sequence[Turn]) -> dict[UUID, list[asyncpg.Record]]:
    """The last rows of each Turn's conversation before what it answers, newest first; erased ones are absent.

    As many as its profile recalls; by conversation, of which no two Turns are at work.
    """
    rows = await tx.fetch(
        """SELECT x.conversation, m.id, m.user_id, c.key, m.direction, m.text, m.created_at, m.reply_text, m.replied_at
           FROM unnest($1::uuid[], $2::bigint[], $4::bigint[]) AS x (conversation, seq, recalls) CROSS JOIN LATERAL (
             SELECT * FROM messages o WHERE o.conversation_id = x.conversation AND o.seq < x.seq
               AND NOT (o.id = ANY($3)) AND o.erased_at IS NULL
               AND (o.direction = 'incoming' OR o.outcome IS NULL OR o.outcome NOT IN ('silent', 'failed'))
               AND o.content_type NOT IN ('edit', 'deletion', 'reaction', 'system')
             ORDER BY o.seq DESC LIMIT x.recalls) m
           JOIN contacts c ON c.id = m.user_id ORDER BY m.seq DESC""",
        [turn.conversation_id for turn in group],
        [max(m.seq for m in turn.messages) for turn in group],
        [m.id for turn in group for m in turn.messages],
        [turn.account.profile.recalls for turn in group],
    )
    found: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        found.setdefault(row["conversation"], []).append(row)
    return found


def lines(vault: Vault, rows: Sequence[asyncpg.Record]) -> list[Line]:
    """Those rows as lines, oldest first. One that cannot be opened is passed over: it must silence nobody."""
    lines = []
    for row in reversed(rows):
        try:
            lines += _lines(vault, row)
        except (InvalidTag, ConfigError):
            log.error("turn.line_unreadable", message_id=row["id"])
    return lines


def _lines(vault: Vault, row: asyncpg.Record) -> list[Line]:
    key = vault.contact_key(row["user_id"], row["key"])
    lines = []
    if row["text"]:
        text = unseal(key, row["text"], f"messages:{row['id']}:text")
        lines.append(Line(row["direction"] == "incoming", text, row["created_at"]))
    if row["reply_text"]:
        reply = unseal(key, row["reply_text"], f"messages:{row['id']}:reply_text")
        lines.append(Line(False, reply, row["replied_at"] or row["created_at"]))
    return lines


async def fail(tx: Connection, messages: Sequence[UUID], rule: str, now: datetime) -> list[due.Receipt]:
    """End these messages failed, without opening anything of them."""
    rows = await tx.fetch(
        """UPDATE messages SET outcome = 'failed', rule = $2, settled_at = $3
           WHERE id = ANY($1) AND outcome IS NULL AND turn_id IS NULL RETURNING id, user_id, created_at""",
        messages,
        rule,
        now,
    )
    return [due.Receipt(r["id"], r["user_id"], Outcome.FAILED, rule, r["created_at"]) for r in rows]


async def release(tx: Connection, tokens: Mapping[UUID, UUID]) -> None:
    """Give conversations back, token by conversation: nothing is to be answered there, or nobody is left to do it."""
    await due.lock(tx, list(tokens))
    await tx.execute(
        """UPDATE conversations c SET lease_token = NULL, lease_until = NULL
           FROM unnest($1::uuid[], $2::uuid[]) AS g (id, token) WHERE c.id = g.id AND c.lease_token = g.token""",
        list(tokens),
        list(tokens.values()),
    )
    await due.recompute(tx, list(tokens))
