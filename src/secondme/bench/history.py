"""What people and we had said before: a mind is asked with as much of a conversation as a peer's is."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import asyncpg

from secondme.stores.ledger import Ledger
from secondme.stores.vault import seal

_SAID = "hey are we still on for dinner tomorrow night I think the place"
_REPLIED = "Sure, seven works for me! See you there"
_AT_ONCE = 200  # conversations
_INSERT = """INSERT INTO messages (conversation_id, identity_id, user_id, account_id, created_at, client_timestamp,
               settled_at, replied_at, id, source_message_id, text, reply_text, direction, content_type, outcome,
               rule)
             SELECT h.c, h.i, h.u, h.a, h.at, h.at, h.at, h.at, h.id, h.id::text, h.text, h.reply,
               'incoming', 'text', 'replied', 'answered'
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[], $7::bytea[],
               $8::bytea[]) AS h (c, i, u, a, at, id, text, reply)"""


async def remember(ledger: Ledger, exchanges: int) -> None:
    """Put so many answered messages, sealed as ours are, into every conversation, before what is there."""
    async with ledger.light() as light:
        rows = await light.fetch(
            """SELECT c.id, c.identity_id, c.user_id, c.account_id, c.created_at, k.key
               FROM conversations c JOIN contacts k ON k.id = c.user_id"""
        )
    for start in range(0, len(rows), _AT_ONCE):
        # Sealed before the transaction: one that waits for us is ended by Postgres after a second.
        columns = _columns(_lines(ledger, rows[start : start + _AT_ONCE], exchanges))
        async with ledger.transaction() as tx:
            await tx.execute(_INSERT, *columns)
    async with ledger.light() as light:
        await light.execute("ANALYZE messages")


def _lines(ledger: Ledger, rows: Sequence[asyncpg.Record], exchanges: int) -> list[tuple[object, ...]]:
    lines: list[tuple[object, ...]] = []
    for row in rows:
        key = ledger.vault.contact_key(row["user_id"], row["key"])
        for number in range(exchanges):
            at = row["created_at"] - timedelta(minutes=exchanges - number)
            lines.append(
                (row["id"], row["identity_id"], row["user_id"], row["account_id"], at, *_sealed(key))
            )
    return lines


def _sealed(key: bytes) -> tuple[object, bytes, bytes]:
    name = uuid4()
    said = seal(key, _SAID, f"messages:{name}:text")
    return name, said, seal(key, _REPLIED, f"messages:{name}:reply_text")


def _columns(lines: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*lines, strict=True)]
