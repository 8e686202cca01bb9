"""Imported chats that memory learns from, and who their authors are."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.address import is_phone
from secondme.stores.ledger import people, voices
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal

CHANNEL = "import"  # of an identity that is known by the name in a chat alone
_UNSAID = "acquaintance"
WAITING, DONE, FAILED = "waiting", "done", "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A chat to learn from. `tellers` are contact ids or OWNER, by the author's place; `lock` names this very file."""

    id: UUID
    total: int
    done: int
    by_model: bool
    audience: str
    tellers: tuple[str, ...]
    key: bytes = field(repr=False)
    lock: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far memory has come: WAITING until it is DONE, or FAILED, then with the reason in a sentence for the owner.
    Counts of messages, and of what is known from the chat."""

    state: str
    total: int
    done: int
    entities: int
    failure: str | None = None


async def enqueue(
    tx: Connection,
    vault: Vault,
    import_id: UUID,
    *,
    total: int,
    key: bytes,
    audience: str,
    tellers: Sequence[str],
    by_model: bool,
) -> None:
    """Have memory learn from it, from the beginning. `key` opens the sealed chat."""
    await tx.execute(
        """UPDATE imports SET state = 'waiting', total = $2, done = 0, entities = 0, file_key = $3, audience = $4,
             tellers = $5, by_model = $6, failure = NULL WHERE id = $1""",
        import_id,
        total,
        _sealed_key(vault, import_id, key),
        audience,
        seal(vault.owner_key, json.dumps(list(tellers)), f"imports:{import_id}:tellers"),
        by_model,
    )


async def waiting(connection: Connection, vault: Vault) -> list[Job]:
    """What is not done, the oldest first."""
    rows = await connection.fetch("SELECT * FROM imports WHERE state = 'waiting' ORDER BY created_at")
    return [
        Job(
            row["id"],
            row["total"],
            row["done"],
            row["by_model"],
            row["audience"],
            tuple(json.loads(unseal(vault.owner_key, row["tellers"], f"imports:{row['id']}:tellers"))),
            _file_key(vault, row),
            row["file_key"],
        )
        for row in rows
    ]


async def chats_with(tx: Connection, vault: Vault, partners: Sequence[str], contact: UUID) -> list[bytes]:
    """The keys of the sealed chats that go when this contact does; `partners` as `voices.forget` has them."""
    rows = await tx.fetch(
        f"SELECT id, file_key FROM imports WHERE file_key IS NOT NULL AND {voices.WITH} FOR UPDATE",
        partners,
        str(contact),
    )
    return [_file_key(vault, row) for row in rows]


async def rekey(tx: Connection, vault: Vault, job: Job, key: bytes) -> bool:
    """It lies under another key from now on. False as `advance`."""
    found = await tx.fetchval(
        "UPDATE imports SET file_key = $3 WHERE id = $1 AND file_key = $2 RETURNING true",
        job.id,
        job.lock,
        _sealed_key(vault, job.id, key),
    )
    return bool(found)


def _file_key(vault: Vault, row: asyncpg.Record) -> bytes:
    return base64.b64decode(unseal(vault.owner_key, row["file_key"], f"imports:{row['id']}:file_key"))


def _sealed_key(vault: Vault, import_id: UUID, key: bytes) -> bytes:
    return seal(vault.owner_key, base64.b64encode(key), f"imports:{import_id}:file_key")


async def advance(connection: Connection, job: Job, done: int) -> bool:
    """So many of its messages are learned. False where it was forgotten meanwhile, or is imported anew."""
    found = await connection.fetchval(
        "UPDATE imports SET done = $3 WHERE id = $1 AND file_key = $2 RETURNING true", job.id, job.lock, done
    )
    return bool(found)


async def count(connection: Connection, job: Job, entities: int) -> None:
    """So much is known from it."""
    await connection.execute(
        "UPDATE imports SET entities = $3 WHERE id = $1 AND file_key = $2", job.id, job.lock, entities
    )


async def finish(connection: Connection, job: Job, entities: int) -> bool:
    """All of it is learned: its key goes. False as `advance`."""
    found = await connection.fetchval(
        """UPDATE imports SET state = 'done', done = total, entities = $3, file_key = NULL, tellers = NULL
           WHERE id = $1 AND file_key = $2 RETURNING true""",
        job.id,
        job.lock,
        entities,
    )
    return bool(found)


async def fail(connection: Connection, job: Job, reason: str) -> None:
    """It cannot be learned from; `reason` is shown to the owner, and holds no word of the chat."""
    await connection.execute(
        """UPDATE imports SET state = 'failed', failure = $3, file_key = NULL, tellers = NULL
           WHERE id = $1 AND file_key = $2""",
        job.id,
        job.lock,
        reason,
    )


async def progress(connection: Connection, import_id: UUID) -> Progress | None:
    """How far it is; None where it was forgotten."""
    row = await connection.fetchrow(
        "SELECT state, total, done, entities, failure FROM imports WHERE id = $1", import_id
    )
    return Progress(*row) if row else None


async def there(connection: Connection, contacts: Sequence[str]) -> set[str]:
    """Which of these contacts have not been forgotten."""
    ids = [UUID(contact) for contact in contacts]
    rows = await connection.fetch("SELECT id FROM contacts WHERE id = ANY($1)", ids)
    return {str(row["id"]) for row in rows}


async def authors(tx: Connection, vault: Vault, names: Mapping[str, str], now: datetime) -> dict[str, UUID]:
    """The contact of each author. `names` has, for each, what names are compared by: a number, or letters.

    One who is a number that we know is that contact. Everybody else is a contact of their own, known by the name in
    the chat and by nothing else: whoever bears it elsewhere may be somebody else.
    """
    keys = {name: vault.digest("imported", key) for name, key in names.items()}
    await people.lock_addresses(tx, {f"{CHANNEL}:{key}" for key in keys.values()})
    return {
        name: await _known(tx, vault, names[name])
        or await _imported(tx, keys[name])
        or await _meet(tx, vault, name, keys[name], now)
        for name in sorted(names)
    }


async def relate(tx: Connection, contact_id: UUID, relationship: str | None) -> str | None:
    """Note how the owner knows the contact, if they say so. Returns what is known; that they are an acquaintance is
    also what is noted of everybody of whom nothing is."""
    if relationship is not None:
        await tx.execute("UPDATE contacts SET relationship = $2 WHERE id = $1", contact_id, relationship)
        return relationship
    noted: str | None = await tx.fetchval("SELECT relationship FROM contacts WHERE id = $1", contact_id)
    return noted if noted != _UNSAID else None


async def writes(tx: Connection, contact_id: UUID) -> bool:
    """Whether they are known by more than a name in a chat."""
    found: bool = await tx.fetchval(
        "SELECT EXISTS (SELECT 1 FROM identities WHERE user_id = $1 AND channel <> $2)", contact_id, CHANNEL
    )
    return found


async def _known(tx: Connection, vault: Vault, number: str) -> UUID | None:
    if not is_phone(number):
        return None
    networks = ("whatsapp", "simulator")
    found: UUID | None = await tx.fetchval(
        """SELECT user_id FROM identities WHERE channel = ANY($1) AND channel_user_key = ANY($2)
           ORDER BY channel = 'whatsapp' DESC LIMIT 1""",
        networks,
        [vault.digest("address", network, number) for network in networks],
    )
    return found


async def _imported(tx: Connection, key: str) -> UUID | None:
    found: UUID | None = await tx.fetchval(
        "SELECT user_id FROM identities WHERE channel = $1 AND channel_user_key = $2", CHANNEL, key
    )
    return found


async def _meet(tx: Connection, vault: Vault, name: str, key: str, now: datetime) -> UUID:
    contact_id, identity_id = uuid4(), uuid4()
    own, wrapped = vault.new_contact_key(contact_id)
    await tx.execute(
        "INSERT INTO contacts (id, created_at, key, name) VALUES ($1, $2, $3, $4)",
        contact_id,
        now,
        wrapped,
        seal(own, name[:100], f"contacts:{contact_id}:name"),
    )
    await tx.execute(
        """INSERT INTO identities (id, user_id, channel, channel_user_key, address, created_at)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        identity_id,
        contact_id,
        CHANNEL,
        key,
        seal(own, name[:100], f"identities:{identity_id}:address"),
        now,
    )
    return contact_id
