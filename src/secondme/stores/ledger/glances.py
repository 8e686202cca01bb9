"""Statements behind the list of people and the thread's ticks: the last line of each talk, who types, what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

type Author = Literal["contact", "bot", "owner"]


@dataclass(frozen=True, slots=True)
class Glance:
    """The last line of one conversation. `text` None: erased, or not a text."""

    by: Author
    text: str | None
    kind: str
    at: datetime
    unread: int  # deliveries that arrived and that the other side has not looked at


async def last_lines(tx: Connection, vault: Vault, conversations: Sequence[UUID]) -> dict[UUID, Glance]:
    """The newest line of each conversation, whoever wrote it."""
    rows = await tx.fetch(
        """SELECT v.id, v.user_id, k.key, m.id AS m_id, m.text AS m_text, m.direction, m.content_type,
                  m.created_at AS m_at, d.id AS d_id, d.text AS d_text, d.at AS d_at,
                  (SELECT count(*) FROM deliveries u WHERE u.conversation_id = v.id AND u.kind NOT IN ('typing', 'read')
                     AND u.status = 'sent' AND u.progress IS DISTINCT FROM 'read') AS unread
           FROM conversations v JOIN contacts k ON k.id = v.user_id
           LEFT JOIN LATERAL (SELECT id, text, direction, content_type, created_at FROM messages
             WHERE conversation_id = v.id AND content_type NOT IN ('edit', 'deletion', 'reaction', 'system')
             ORDER BY seq DESC LIMIT 1) m ON true
           LEFT JOIN LATERAL (SELECT id, text, coalesce(sent_at, in_flight_at) AS at FROM deliveries
             WHERE conversation_id = v.id AND kind = 'text' AND status IN ('in_flight', 'sent', 'uncertain')
             ORDER BY seq DESC LIMIT 1) d ON true
           WHERE v.id = ANY($1) AND (m.id IS NOT NULL OR d.id IS NOT NULL)""",
        list(conversations),
    )
    return {row["id"]: _glance(vault.contact_key(row["user_id"], row["key"]), row) for row in rows}


async def last_heard(
    tx: Connection, account_id: str, network: str
) -> tuple[datetime | None, datetime | None]:
    """When the account last heard on that network (see people.network_of) from a contact, and from its owner's own
    phone; None for never, or long ago."""
    row = await tx.fetchrow(
        """SELECT max(m.created_at) FILTER (WHERE direction = 'incoming') AS contacts,
             max(m.created_at) FILTER (WHERE direction = 'outgoing' AND turn_id IS NULL AND outcome IS NULL) AS owner
           FROM messages m JOIN identities i ON i.id = m.identity_id WHERE m.account_id = $1 AND i.channel = $2""",
        account_id,
        network,
    )
    return (row["contacts"], row["owner"]) if row else (None, None)


def _glance(key: bytes, row: asyncpg.Record) -> Glance:
    if row["d_id"] and (row["m_id"] is None or row["d_at"] >= row["m_at"]):
        sealed, place = row["d_text"], f"deliveries:{row['d_id']}:text"
        return Glance(
            "bot", unseal(key, sealed, place) if sealed else None, "text", row["d_at"], row["unread"]
        )
    sealed, place = row["m_text"], f"messages:{row['m_id']}:text"
    by: Author = "contact" if row["direction"] == "incoming" else "owner"
    text = unseal(key, sealed, place) if sealed else None
    return Glance(by, text, row["content_type"], row["m_at"], row["unread"])


async def typing(tx: Connection) -> set[UUID]:
    """Conversations whose other side sees us typing: the tick of typing has left, the text after it has not."""
    rows = await tx.fetch(
        """SELECT DISTINCT d.conversation_id FROM deliveries d
           WHERE d.status IN ('planned', 'in_flight') AND d.kind = 'text' AND EXISTS (
             SELECT 1 FROM deliveries t WHERE t.turn_id = d.turn_id AND t.kind = 'typing' AND t.status = 'sent'
               AND t.seq < d.seq)"""
    )
    return {row["conversation_id"] for row in rows}


async def seen_until(tx: Connection, conversation_id: UUID) -> datetime | None:
    """When the newest message came that we have marked as read on the other side's phone."""
    moment: datetime | None = await tx.fetchval(
        """SELECT max(m.created_at) FROM deliveries r JOIN messages m ON m.id = r.answers
           WHERE r.conversation_id = $1 AND r.kind = 'read' AND r.status = 'sent'""",
        conversation_id,
    )
    return moment


async def held(tx: Connection, conversation_id: UUID, now: datetime) -> tuple[datetime, str] | None:
    """Until when what waits there is held back, and by which rule; None where nothing is."""
    row = await tx.fetchrow(
        """SELECT c.not_before, t.rule FROM conversations c
           LEFT JOIN LATERAL (SELECT rule FROM turns WHERE conversation_id = c.id
             ORDER BY created_at DESC LIMIT 1) t ON true
           WHERE c.id = $1 AND c.due_at IS NOT NULL AND c.not_before > $2""",
        conversation_id,
        now,
    )
    return (row["not_before"], row["rule"] or "") if row else None


async def conversation_of(tx: Connection, vault: Vault, account_id: str, provider_id: str) -> UUID | None:
    """The conversation that holds the message with this provider id."""
    found: UUID | None = await tx.fetchval(
        """SELECT conversation_id FROM messages WHERE account_id = $1 AND source_message_id = $2
           ORDER BY seq DESC LIMIT 1""",
        account_id,
        vault.digest("message", provider_id),
    )
    return found


async def conversations_of(tx: Connection, deliveries: Sequence[UUID]) -> dict[UUID, UUID]:
    """The conversation of each delivery."""
    rows = await tx.fetch("SELECT id, conversation_id FROM deliveries WHERE id = ANY($1)", list(deliveries))
    return {row["id"]: row["conversation_id"] for row in rows}


async def is_owner(tx: Connection, vault: Vault, name: str) -> bool:
    """Whether the owner bears this name in an imported chat; `name` as `same_name` has it."""
    me = vault.digest("me", name)
    return bool(await tx.fetchval("SELECT EXISTS (SELECT 1 FROM imports WHERE me = $1)", me))


async def kept_replies(tx: Connection) -> int:
    """How many of the owner's own replies are kept as examples."""
    count: int = await tx.fetchval(
        """SELECT count(*) FROM voice_examples v JOIN imports i ON i.id = v.import_id
           WHERE i.me = (SELECT me FROM imports ORDER BY created_at DESC LIMIT 1)"""
    )
    return count
