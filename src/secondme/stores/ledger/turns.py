"""Turns: who is due, who holds it, what they answer, and the one commit that ends it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
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
    """A leased conversation with what waits there, sealed as the ledger keeps it; `rows` are the statement's."""

    conversation_id: UUID
    account_id: str
    token: UUID
    attempts: int
    claims: int
    rows: Sequence[asyncpg.Record]  # one for each message by provider time, or one without


async def claim(
    tx: Connection, now: datetime, limit: int, lease: timedelta, accounts: Collection[str]
) -> tuple[list[Claim], datetime | None]:
    """Lease up to `limit` due conversations of these accounts, longest due first; also when the next is due.

    The statement is `claim_due` of migration 0009. A lost claim is only claimed again: light will do. Pauses are those
    that still run or ended within the last eight days: longer than any message may wait. What is leased is due again
    when its lease has run out: whoever looks once a second finds it.
    """
    rows = await tx.fetch(
        "SELECT * FROM claim_due($1, $2, $3, $4, $5, $6)",
        now,
        limit,
        now + lease,
        list(accounts),
        _BURST_LIMIT,
        now - timedelta(days=8),
    )
    next_due = rows[-1]["next_due"] if rows else None
    held = groupby((row for row in rows if row["conversation"]), key=itemgetter("conversation"))
    return [_claim(list(some)) for _, some in held], next_due


def _claim(rows: Sequence[asyncpg.Record]) -> Claim:
    row = rows[0]
    return Claim(row["conversation"], row["account"], row["token"], row["tries"], row["claims_"], rows)


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


def opened(
    vault: Vault, claims: Sequence[Claim], accounts: Mapping[str, Account], now: datetime
) -> tuple[list[Turn], list[UUID]]:
    """The claimed conversations as Turns: what they answer by provider time, the contact, the pauses they met.

    Also the messages of those that cannot be opened, because a key or a sealed value of theirs is damaged.
    """
    turns, unreadable = [], []
    for held in claims:
        if held.account_id not in accounts or held.rows[0]["message"] is None:
            continue
        try:
            turns.append(_turn(vault, held, accounts[held.account_id], now))
        except (InvalidTag, ConfigError, ValueError) as error:
            log.error("turn.unreadable", error=type(error).__name__)
            unreadable += [row["message"] for row in held.rows]
    return turns, unreadable


def _turn(vault: Vault, held: Claim, account: Account, now: datetime) -> Turn:
    person = held.rows[0]
    contact, answered = person["contact"], person["answered"]
    key = vault.contact_key(contact, person["key_"])
    name = unseal(key, person["name_"], f"contacts:{contact}:name") if person["name_"] else None
    messages = [_message(key, row) for row in held.rows]
    late = [m for m in messages if answered and m.sent_at < answered]
    if late:
        messages = late[:1]
    elif account.profile.takes is Takes.OLDEST:
        messages = messages[:1]
    return Turn(
        id=uuid4(),
        account=account,
        conversation_id=held.conversation_id,
        identity_id=person["identity"],
        token=held.token,
        attempts=held.attempts,
        now=now,
        contact=Contact(
            contact,
            name,
            person["allowed"],
            person["relation"],
            person["persona"],
            _pauses(person),
            person["key_"],
        ),
        messages=tuple(messages),
        overtaken=bool(late),
    )


def _pauses(person: asyncpg.Record) -> tuple[Pause, ...]:
    columns = ("pause_ids", "pause_contacts", "reasons", "begun", "untils", "lifted")
    rows = zip(*(person[column] or () for column in columns), strict=True)
    return tuple(Pause(id, who, PauseReason(why), *moments) for id, who, why, *moments in rows)


def _message(key: bytes, row: asyncpg.Record) -> Message:
    text = unseal(key, row["text_"], f"messages:{row['message']}:text") if row["text_"] else ""
    return Message(
        row["message"],
        Kind(row["kind"]),
        text,
        row["arrived"],
        row["said"],
        row["place"],
        row["recent"],
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
        lines.append(Line(row["direction"] == "incoming", text, row["created_at"], row["id"]))
    if row["reply_text"]:
        reply = unseal(key, row["reply_text"], f"messages:{row['id']}:reply_text")
        lines.append(Line(False, reply, row["replied_at"] or row["created_at"], row["id"]))
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
