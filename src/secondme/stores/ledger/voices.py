"""The owner's voice: personas and the replies that were kept with the owner's leave, sealed with the owner's key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.persona import Persona, Style
from secondme.stores.ledger import instance
from secondme.stores.ledger.pool import Connection, Ledger
from secondme.stores.vault import Vault, seal, unseal

OWN = "persona-own"  # the id of the learned one


async def put_persona(
    tx: Connection, vault: Vault, persona: Persona, now: datetime, *, overwrite: bool = True
) -> None:
    """Store a persona; a seeded one never overwrites what the owner has changed."""
    fields = ("style_guide", json.dumps(persona.examples))
    guide = seal(vault.owner_key, persona.style_guide, f"personas:{persona.id}:{fields[0]}")
    examples = seal(vault.owner_key, fields[1], f"personas:{persona.id}:examples")
    clash = (
        """UPDATE SET name = excluded.name, tone = excluded.tone, applicable_to = excluded.applicable_to,
             style_guide = excluded.style_guide, examples = excluded.examples, style = excluded.style,
             updated_at = excluded.updated_at"""
        if overwrite
        else "NOTHING"
    )
    await tx.execute(
        f"""INSERT INTO personas (id, name, tone, applicable_to, style_guide, examples, style, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (id) DO {clash}""",
        persona.id,
        persona.name,
        persona.tone,
        list(persona.applicable_to),
        guide,
        examples,
        seal(vault.owner_key, json.dumps(asdict(persona.style)), f"personas:{persona.id}:style"),
        now,
    )


async def personas(tx: Connection, vault: Vault) -> list[Persona]:
    """All personas, opened; the learned one comes first."""
    rows = await tx.fetch("SELECT * FROM personas ORDER BY id <> $1, id", OWN)
    return [_persona(vault, row) for row in rows]


def _persona(vault: Vault, row: asyncpg.Record) -> Persona:
    def opened(column: str) -> str:
        return unseal(vault.owner_key, row[column], f"personas:{row['id']}:{column}")

    figures = json.loads(opened("style"))
    style: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in figures.items()}
    return Persona(
        row["id"],
        row["name"],
        row["tone"],
        opened("style_guide"),
        tuple(json.loads(opened("examples"))),
        tuple(row["applicable_to"]),
        Style(**style),
    )


async def begin_import(
    tx: Connection, digest: str, me: str, partner: str, messages: int, now: datetime
) -> tuple[UUID, int]:
    """One import a file: the same file again is the same import. All are keyed digests but the count.

    One instance speaks with one voice, that of the newest import: replies of another owner (`me`) stay, set aside
    until a chat of theirs is imported again. Returns the import and how many replies this one set aside.
    """
    aside = await tx.fetchval(
        """SELECT sum(kept) FROM imports
           WHERE me <> $1 AND me = (SELECT me FROM imports ORDER BY created_at DESC LIMIT 1)""",
        me,
    )
    import_id: UUID = await tx.fetchval(
        """INSERT INTO imports (id, created_at, digest, me, partner, messages, kept) VALUES ($1, $2, $3, $4, $5, $6, 0)
           ON CONFLICT (digest) DO UPDATE SET messages = excluded.messages, created_at = excluded.created_at
           RETURNING id""",
        uuid4(),
        now,
        digest,
        me,
        partner,
        messages,
    )
    return import_id, aside or 0


async def take_back(tx: Connection, import_id: UUID) -> int:
    """The owner no longer agrees that replies of this import are kept: they go. Returns how many."""
    done = await tx.execute("DELETE FROM voice_examples WHERE import_id = $1", import_id)
    gone = int(done.split()[1])
    if gone:
        await tx.execute("UPDATE imports SET kept = 0 WHERE id = $1", import_id)
        await _went(tx)
    return gone


async def imports(tx: Connection) -> list[tuple[datetime, int, int]]:
    """What was imported and is still in use, newest first: when, messages, replies kept of it."""
    rows = await tx.fetch("SELECT created_at, messages, kept FROM imports ORDER BY created_at DESC")
    return [(row["created_at"], row["messages"], row["kept"]) for row in rows]


async def forget(tx: Connection, partners: Sequence[str]) -> tuple[int, int]:
    """What was learned from chats with these (keyed digests) goes. Returns how many kept replies, and personas.

    The learned persona quotes from the chat that was imported last: it goes with that one.
    """
    gone = await tx.fetch(
        """WITH newest AS (SELECT id FROM imports ORDER BY created_at DESC LIMIT 1)
           DELETE FROM imports WHERE partner = ANY($1) RETURNING kept, id IN (SELECT id FROM newest) AS newest""",
        partners,
    )
    if not gone:
        return 0, 0
    await _went(tx)
    personas = "DELETE 0"
    if any(row["newest"] for row in gone):
        personas = await tx.execute("DELETE FROM personas WHERE id = $1", OWN)
        await instance.forget_owner(tx)
    await changed(tx)
    return sum(row["kept"] for row in gone), int(personas.split()[1])


async def _went(tx: Connection) -> None:
    """Kept replies are gone: so is what explains answers to others by quoting them."""
    await tx.execute("UPDATE turns SET why = NULL WHERE why IS NOT NULL")


async def changed(tx: Connection) -> None:
    """Make every index of the kept replies load again.

    The last statement of whatever changes them: everybody else who does waits from here to its commit.
    """
    await tx.execute(
        """INSERT INTO settings (key, value) VALUES ('voice_version', '1')
           ON CONFLICT (key) DO UPDATE SET value = to_jsonb((settings.value)::int + 1)"""
    )


async def keep_examples(
    tx: Connection, vault: Vault, import_id: UUID, examples: Sequence[tuple[str, Sequence[int], datetime]]
) -> int:
    """Keep replies as (text, cue, when); one that is already kept is not kept twice. Returns how many are new."""
    rows = []
    for text, cue, at in examples:
        row = uuid4()
        sealed = seal(vault.owner_key, text, f"voice_examples:{row}:text")
        rows.append((row, import_id, at, vault.digest("voice", text, at.isoformat()), list(cue), sealed))
    if not rows:
        return 0
    before = await tx.fetchval("SELECT count(*) FROM voice_examples")
    await tx.executemany(
        """INSERT INTO voice_examples (id, import_id, at, digest, cue, text) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (digest) DO NOTHING""",
        rows,
    )
    new: int = await tx.fetchval("SELECT count(*) FROM voice_examples") - before
    await tx.execute("UPDATE imports SET kept = kept + $2 WHERE id = $1", import_id, new)
    return new


class LedgerVoices:
    """The VoiceStore port on the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def version(self) -> int:
        async with self._ledger.transaction() as tx:
            return int(await tx.fetchval("SELECT value FROM settings WHERE key = 'voice_version'") or 0)

    async def cues(self) -> Sequence[tuple[UUID, Sequence[int], datetime]]:
        async with self._ledger.transaction() as tx:
            rows = await tx.fetch(
                """SELECT v.id, v.cue, v.at FROM voice_examples v JOIN imports i ON i.id = v.import_id
                   WHERE i.me = (SELECT me FROM imports ORDER BY created_at DESC LIMIT 1)
                   ORDER BY v.at DESC LIMIT 20000"""
            )
        return [(row["id"], row["cue"], row["at"]) for row in rows]

    async def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        key = self._ledger.vault.owner_key
        async with self._ledger.transaction() as tx:
            rows = await tx.fetch("SELECT id, text FROM voice_examples WHERE id = ANY($1)", list(ids))
        return {row["id"]: unseal(key, row["text"], f"voice_examples:{row['id']}:text") for row in rows}
