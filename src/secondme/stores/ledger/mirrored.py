"""What the graph repeats of the ledger: contacts, and a print of each that is another when anything of it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from secondme.domain.address import is_phone
from secondme.stores.ledger import imports
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A contact with all its conversations as one."""

    id: UUID
    created_at: datetime
    name: str | None
    address: str
    relationship: str
    persona_id: str | None
    enabled: bool
    last_at: datetime | None


# Whichever network knows them by a number comes first. `botEnabled` is documented as false while all is paused.
# Whoever is known from an import alone has no conversation, and their address is but a name.
_EVERY = """SELECT c.id, c.key, c.created_at, c.name, c.relationship, c.persona_id,
    i.id AS identity_id, i.channel, i.address, v.last_at,
    coalesce(v.enabled, false) AND NOT EXISTS (
      SELECT 1 FROM pauses WHERE user_id IS NULL AND lifted_at IS NULL AND (until IS NULL OR until > $1)) AS enabled
  FROM contacts c
  LEFT JOIN (SELECT user_id, bool_or(enabled) AS enabled, max(greatest(last_inbound_at, last_owner_at)) AS last_at
        FROM conversations WHERE {of_these} GROUP BY user_id) v ON v.user_id = c.id
  JOIN (SELECT DISTINCT ON (user_id) user_id, id, channel, address FROM identities WHERE {of_these}
        ORDER BY user_id, channel = 'whatsapp' DESC, created_at, id) i ON i.user_id = c.id"""


async def prints(connection: Connection, now: datetime) -> dict[str, int]:
    """By id, of every contact, without opening any. What is sealed anew counts as another."""
    rows = await connection.fetch(
        f"""SELECT id, hashtextextended(concat_ws(' ', md5(name), relationship, coalesce(persona_id, ''),
              md5(address), enabled, last_at), 0) AS print FROM ({_EVERY.format(of_these="true")}) AS every""",
        now,
    )
    return {str(row["id"]): row["print"] for row in rows}


async def contacts(tx: Connection, vault: Vault, ids: Sequence[UUID], now: datetime) -> list[Mirrored]:
    """These, opened, as far as they are still there. They cannot be forgotten before the transaction has ended."""
    there = await tx.fetch("SELECT id FROM contacts WHERE id = ANY($1) ORDER BY id FOR KEY SHARE", list(ids))
    rows = await tx.fetch(_EVERY.format(of_these="user_id = ANY($2)"), now, [row["id"] for row in there])
    found = []
    for row in rows:
        key = vault.contact_key(row["id"], row["key"])
        found.append(
            Mirrored(
                id=row["id"],
                created_at=row["created_at"],
                name=unseal(key, row["name"], f"contacts:{row['id']}:name") if row["name"] else None,
                address=_number(unseal(key, row["address"], f"identities:{row['identity_id']}:address"), row),
                relationship=row["relationship"],
                persona_id=row["persona_id"],
                enabled=row["enabled"],
                last_at=row["last_at"],
            )
        )
    return found


def _number(address: str, row: asyncpg.Record) -> str:
    return "" if row["channel"] == imports.CHANNEL and not is_phone(address) else address


async def persona_times(connection: Connection) -> dict[str, tuple[datetime, datetime]]:
    """By id, when each persona was made and when it was last changed."""
    rows = await connection.fetch("SELECT id, created_at, updated_at FROM personas")
    return {row["id"]: (row["created_at"], row["updated_at"]) for row in rows}
