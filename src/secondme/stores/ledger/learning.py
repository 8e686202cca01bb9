"""Which live messages the graph has not looked at yet, and what they say now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.domain.message import CAPTIONED, Kind
from secondme.observe.logs import get_logger
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal

log = get_logger(__name__)
_SPOKEN = [Kind.TEXT, *CAPTIONED]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of somebody's chat, as last edited. `text` is empty where nothing is to be known of it (any more).

    `amended`: what the graph knows of it is to be taken back first. `rows`: those that are done with it.
    """

    id: UUID
    contact_id: UUID
    from_owner: bool
    at: datetime  # UTC, the provider's
    text: str = field(repr=False)
    amended: bool
    rows: tuple[UUID, ...]


# What is meant: the message itself, or the one that an edit or a deletion is about. Only the author's own count below.
_MEANT = """SELECT t.* FROM messages t WHERE t.id = n.id AND n.content_type NOT IN ('edit', 'deletion')
  UNION ALL SELECT t.* FROM messages t WHERE n.content_type IN ('edit', 'deletion') AND t.account_id = n.account_id
    AND t.identity_id = n.identity_id AND t.source_message_id = n.concerns
    AND t.conversation_id = n.conversation_id AND t.direction = n.direction"""
_CONCERNING = """FROM messages x WHERE x.conversation_id = m.conversation_id AND x.concerns = m.source_message_id
  AND x.direction = m.direction AND x.content_type"""
# An order of the owner's is no word of theirs, and somebody who is not enabled is none of our business.
_NEXT = f"""
SELECT n.id AS row, n.content_type IN ('edit', 'deletion') AS amends, m.id, m.user_id, c.key,
  m.direction = 'outgoing' AS from_owner, coalesce(m.client_timestamp, m.created_at) AS at,
  coalesce(e.id, m.id) AS told_in, coalesce(e.text, m.text) AS text,
  v.enabled AND m.content_type = ANY($2) AND (m.direction = 'incoming' OR m.turn_id IS NULL)
    AND NOT EXISTS (SELECT 1 {_CONCERNING} = 'deletion') AS counts
FROM (SELECT * FROM messages WHERE learned_at IS NULL ORDER BY seq LIMIT $1) n
JOIN conversations v ON v.id = n.conversation_id JOIN contacts c ON c.id = n.user_id
LEFT JOIN LATERAL ({_MEANT}) m ON true
LEFT JOIN LATERAL (SELECT x.id, x.text {_CONCERNING} = 'edit' AND x.text IS NOT NULL
  ORDER BY x.seq DESC LIMIT 1) e ON true
ORDER BY n.seq"""


async def unheard(connection: Connection, vault: Vault, limit: int) -> tuple[list[Heard], list[UUID]]:
    """What has come and was not looked at, at most `limit` rows of it, in order of arrival.

    The second are rows that mean no message that is there: an edit of something unknown.
    """
    rows = await connection.fetch(_NEXT, limit, _SPOKEN)
    meant: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        if row["id"] is not None:
            meant.setdefault(row["id"], []).append(row)
    return [_heard(vault, found) for found in meant.values()], [r["row"] for r in rows if r["id"] is None]


def _heard(vault: Vault, rows: Sequence[asyncpg.Record]) -> Heard:
    row = rows[0]
    return Heard(
        id=row["id"],
        contact_id=row["user_id"],
        from_owner=row["from_owner"],
        at=row["at"],
        text=_text(vault, row) if row["counts"] and row["text"] else "",
        amended=any(one["amends"] for one in rows),
        rows=tuple(one["row"] for one in rows),
    )


def _text(vault: Vault, row: asyncpg.Record) -> str:
    """Empty where the seal is damaged: one message must not hold up the others."""
    try:
        key = vault.contact_key(row["user_id"], row["key"])
        return unseal(key, row["text"], f"messages:{row['told_in']}:text")
    except InvalidTag:
        log.error("learning.unreadable_seal", message_id=row["id"])
        return ""


async def standing(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these messages are still there: whoever is forgotten has none."""
    rows = await connection.fetch("SELECT id FROM messages WHERE id = ANY($1)", ids)
    return {row["id"] for row in rows}


async def learned(connection: Connection, rows: Sequence[UUID], now: datetime) -> None:
    """They have been looked at."""
    await connection.execute("UPDATE messages SET learned_at = $2 WHERE id = ANY($1)", rows, now)
