"""What the owner looks at: threads, receipts with their why, and the state of things."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

_NEWEST = 2**63 - 1
# An order of the owner's is shown before it has left, and also where it never will.
_LEAVES = {"planned": "in_flight", "withdrawn": "failed"}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One line of a thread as a phone shows it. `text` None: the content has been erased."""

    id: str
    ref: str | None  # the provider's id, as long as its content is kept
    incoming: bool  # to the account
    by: str  # contact, bot or owner
    text: str | None
    kind: str
    at: datetime
    quotes: str | None  # our id of the quoted bubble
    status: str  # a delivery's status or progress; for incoming: waiting, answering, or the outcome
    rule: str | None
    edited: bool = False
    ordered: bool = False  # by the owner, with a command


@dataclass(frozen=True, slots=True)
class Page:
    """Sealed lines of one conversation, newest first: what is opened once the transaction is over."""

    contact: asyncpg.Record
    incoming: list[asyncpg.Record]
    leaving: list[asyncpg.Record]

    @property
    def before(self) -> tuple[int, int]:
        """Where the next, older page begins."""
        return tuple(rows[-1]["seq"] if rows else 0 for rows in (self.incoming, self.leaving))  # type: ignore[return-value]


async def page(
    tx: Connection, conversation_id: UUID, limit: int, before: tuple[int, int] = (_NEWEST, _NEWEST)
) -> Page | None:
    """At most `limit` lines of each side; None where there is nothing (more)."""
    contact = await tx.fetchrow(
        "SELECT c.id, c.key FROM contacts c JOIN conversations v ON v.user_id = c.id WHERE v.id = $1",
        conversation_id,
    )
    incoming = await tx.fetch(
        """SELECT m.id, m.source, m.direction, m.content_type, m.text, m.created_at, m.quotes, m.edited_at, m.turn_id,
             m.outcome, m.rule, m.seq, coalesce(d.progress, d.status) AS leaves
           FROM messages m LEFT JOIN deliveries d ON d.id = m.id
           WHERE m.conversation_id = $1 AND m.content_type NOT IN ('edit', 'deletion') AND m.seq < $3
           ORDER BY m.seq DESC LIMIT $2""",
        conversation_id,
        limit,
        before[0],
    )
    leaving = await tx.fetch(
        """SELECT id, provider, text, quotes, status, progress, coalesce(sent_at, in_flight_at) AS at, answers, seq
           FROM deliveries WHERE conversation_id = $1 AND kind = 'text' AND status IN ('in_flight', 'sent', 'uncertain')
             AND seq < $3
           ORDER BY seq DESC LIMIT $2""",
        conversation_id,
        limit,
        before[1],
    )
    return Page(contact, incoming, leaving) if contact and (incoming or leaving) else None


def opened(vault: Vault, found: Page) -> list[Bubble]:
    """The lines of a page, oldest first."""
    key = vault.contact_key(found.contact["id"], found.contact["key"])
    lines = [_message(key, row) for row in reversed(found.incoming)]
    lines += [_delivery(key, row) for row in reversed(found.leaving)]
    return sorted(lines, key=lambda line: line.at)


async def thread(tx: Connection, vault: Vault, conversation_id: UUID, limit: int = 500) -> list[Bubble]:
    """The last `limit` lines, oldest first: what came in, the owner's own words, and what left or may have left."""
    found = await page(tx, conversation_id, limit)
    return opened(vault, found)[-limit:] if found else []


def _message(key: bytes, row: asyncpg.Record) -> Bubble:
    incoming = row["direction"] == "incoming"
    status = row["outcome"] or ("answering" if row["turn_id"] else "waiting")
    return Bubble(
        id=str(row["id"]),
        ref=unseal(key, row["source"], f"messages:{row['id']}:source") if row["source"] else None,
        incoming=incoming,
        by="contact" if incoming else "owner",
        text=unseal(key, row["text"], f"messages:{row['id']}:text") if row["text"] else None,
        kind=row["content_type"],
        at=row["created_at"],
        quotes=str(row["quotes"]) if row["quotes"] else None,
        status=status if incoming else _LEAVES.get(row["leaves"], row["leaves"]) or "sent",
        rule=row["rule"],
        edited=row["edited_at"] is not None,
        ordered=row["leaves"] is not None,
    )


def _delivery(key: bytes, row: asyncpg.Record) -> Bubble:
    return Bubble(
        id=str(row["id"]),
        ref=unseal(key, row["provider"], f"deliveries:{row['id']}:provider") if row["provider"] else None,
        incoming=False,
        by="bot",
        text=unseal(key, row["text"], f"deliveries:{row['id']}:text") if row["text"] else None,
        kind="text",
        at=row["at"],
        quotes=str(row["quotes"]) if row["quotes"] else None,
        status=row["progress"] or row["status"],
        rule=None,
    )


async def why(tx: Connection, vault: Vault, item: UUID) -> dict[str, Any] | None:
    """The receipt behind a bubble (a delivery or an inbound message): outcome, rule, timings, what it leaned on."""
    row = await tx.fetchrow(
        """SELECT m.id, m.user_id, m.outcome, m.rule, m.created_at, m.settled_at, m.replied_at, m.turn_id,
                  m.conversation_id,
                  c.key, t.mind, t.tokens, t.timings, t.why, t.created_at AS composed_at
           FROM messages m JOIN contacts c ON c.id = m.user_id
           LEFT JOIN turns t ON t.id = coalesce(m.turn_id, (SELECT turn_id FROM deliveries WHERE id = $1))
           WHERE m.id = coalesce((SELECT answers FROM deliveries WHERE id = $1), $1)""",
        item,
    )
    if row is None:
        return None
    key = vault.contact_key(row["user_id"], row["key"])
    opened = json.loads(unseal(key, row["why"], f"turns:{row['turn_id']}:why")) if row["why"] else {}
    parts = await tx.fetch(
        """SELECT id, kind, part, status, progress, in_flight_at, sent_at, typing_ms, error, text FROM deliveries
           WHERE turn_id = $1 ORDER BY seq""",
        row["turn_id"],
    )
    left = [p for p in parts if p["text"] and p["status"] not in ("withdrawn", "failed")]
    said = [unseal(key, p["text"], f"deliveries:{p['id']}:text") for p in left]
    return {
        "messageId": str(row["id"]),
        "conversationId": str(row["conversation_id"]),
        "contactId": str(row["user_id"]),
        "outcome": row["outcome"],
        "rule": row["rule"],
        "receivedAt": row["created_at"],
        "composedAt": row["composed_at"],
        "settledAt": row["settled_at"],
        "repliedAt": row["replied_at"],
        "mind": row["mind"],
        "tokens": row["tokens"] or 0,
        "timings": row["timings"] or {},
        "deliveries": [{k: v for k, v in part.items() if k != "text"} for part in parts],
        "said": said,
        **opened,
    }


async def state(tx: Connection, now: datetime) -> dict[str, Any]:
    """Counts for `status`, `/health` and the gauges."""
    row = await tx.fetchrow(
        """SELECT
             (SELECT count(*) FROM conversations WHERE due_at <= $1) AS due,
             (SELECT count(*) FROM messages WHERE direction = 'incoming' AND outcome IS NULL) AS waiting,
             (SELECT count(*) FROM deliveries WHERE status IN ('planned', 'in_flight')) AS open_deliveries,
             (SELECT count(*) FROM deliveries WHERE status = 'uncertain') AS uncertain,
             (SELECT count(*) FROM kept_aside) AS kept_aside,
             (SELECT count(*) FROM pauses WHERE lifted_at IS NULL AND (until IS NULL OR until > $1)) AS pauses""",
        now,
    )
    return dict(row or {})


async def receipts(tx: Connection, since: datetime) -> dict[str, int]:
    """How many messages ended how since then, by `outcome rule`."""
    rows = await tx.fetch(
        """SELECT outcome || ' ' || rule AS ending, count(*) AS n FROM messages
           WHERE direction = 'incoming' AND outcome IS NOT NULL AND created_at > $1 GROUP BY 1 ORDER BY 2 DESC""",
        since,
    )
    return {row["ending"]: row["n"] for row in rows}
