"""The owner's voice: personas and the replies that were kept with the owner's leave, sealed with the owner's key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.domain.errors import ConfigError
from secondme.domain.fact import GROUP
from secondme.domain.persona import RELATIONSHIPS, Lesson, Persona, Style
from secondme.observe.logs import get_logger
from secondme.stores.ledger import instance
from secondme.stores.ledger.pool import Connection, Ledger
from secondme.stores.vault import Vault, seal, unseal

log = get_logger(__name__)
OWN = "persona-own"  # the id of the one that is learned from all chats
# Chats with partners ($1) or with a contact ($2). One of several people is with none of them.
WITH = f"(audience = $2 OR (partner = ANY($1) AND coalesce(audience, '') NOT LIKE '{GROUP}%'))"
_NEWEST = "(SELECT me FROM imports ORDER BY created_at DESC LIMIT 1)"  # whose voice it is


def own(relationship: str) -> str:
    """The id of the persona that is learned from chats with people of that relationship."""
    return f"{OWN}-{relationship}"


LEARNED = (OWN, *map(own, RELATIONSHIPS))  # ids


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

    return Persona(
        row["id"],
        row["name"],
        row["tone"],
        opened("style_guide"),
        tuple(json.loads(opened("examples"))),
        tuple(row["applicable_to"]),
        Style.of(json.loads(opened("style"))),
    )


async def version(tx: Connection) -> tuple[int, list[str]]:
    """What grows with every change of what is learned, and the ids of all personas, the learned one first."""
    row = await tx.fetchrow(
        """SELECT (SELECT (value)::int FROM settings WHERE key = 'voice_version') AS version,
             (SELECT array_agg(id ORDER BY id <> $1, id) FROM personas) AS ids""",
        OWN,
    )
    return (row["version"] or 0, row["ids"] or []) if row else (0, [])


async def begin_import(
    tx: Connection, digest: str, me: str, partner: str, messages: int, now: datetime
) -> tuple[UUID, int]:
    """One import a file: the same file again is the same import. All are keyed digests but the count.

    One instance speaks with one voice, that of the newest import: replies of another owner (`me`) stay, set aside
    until a chat of theirs is imported again. Returns the import and how many replies this one set aside.
    """
    aside = await tx.fetchval(
        f"""SELECT sum(kept) FROM imports
           WHERE me <> $1 AND me = {_NEWEST}""",
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


async def teach(tx: Connection, vault: Vault, import_id: UUID, lesson: Lesson) -> None:
    """Keep what an import taught of the voice, in place of what it taught before."""
    said = json.dumps({"style": asdict(lesson.style), "examples": lesson.examples})
    await tx.execute(
        "UPDATE imports SET relationship = $2, lesson = $3 WHERE id = $1",
        import_id,
        lesson.relationship,
        seal(vault.owner_key, said, f"imports:{import_id}:lesson"),
    )


async def lessons(tx: Connection, vault: Vault) -> list[Lesson]:
    """What the imports of the voice in use taught, the newest first."""
    rows = await tx.fetch(
        f"""SELECT id, relationship, lesson FROM imports WHERE lesson IS NOT NULL AND me = {_NEWEST}
            ORDER BY created_at DESC"""
    )
    found = []
    for row in rows:
        said = json.loads(unseal(vault.owner_key, row["lesson"], f"imports:{row['id']}:lesson"))
        found.append(Lesson(row["relationship"], Style.of(said["style"]), tuple(said["examples"])))
    return found


async def put_learned(tx: Connection, vault: Vault, learned: Sequence[Persona], now: datetime) -> None:
    """These are the learned personas; others that were learned before go."""
    gone = sorted({*LEARNED} - {persona.id for persona in learned})
    await tx.execute("DELETE FROM personas WHERE id = ANY($1)", gone)
    for persona in learned:
        await put_persona(tx, vault, persona, now)


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


async def imports_with(
    tx: Connection, partners: Sequence[str], contact: UUID
) -> list[tuple[datetime, int, int]]:
    """Of these, the chats that `forget` would take."""
    found = f"SELECT created_at, messages, kept FROM imports WHERE {WITH}"
    rows = await tx.fetch(f"{found} ORDER BY created_at DESC", partners, str(contact))
    return [(row["created_at"], row["messages"], row["kept"]) for row in rows]


async def forget(tx: Connection, partners: Sequence[str], contact: UUID | None = None) -> tuple[int, int]:
    """What was learned from chats with these (keyed digests), or with that contact, goes.

    Returns how many kept replies, and personas. The learned personas quote from every chat: they go, until they are
    made anew from the others.
    """
    gone = await tx.fetch(
        f"""WITH newest AS (SELECT id FROM imports ORDER BY created_at DESC LIMIT 1)
           DELETE FROM imports WHERE {WITH}
           RETURNING kept, id IN (SELECT id FROM newest) AS newest""",
        partners,
        str(contact) if contact else None,
    )
    if not gone:
        return 0, 0
    await _went(tx)
    personas = await tx.execute("DELETE FROM personas WHERE id = ANY($1)", LEARNED)
    if any(row["newest"] for row in gone):
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
    tx: Connection,
    vault: Vault,
    import_id: UUID,
    examples: Sequence[tuple[str, Sequence[int], datetime]],
    audience: UUID | None = None,
) -> int:
    """Keep replies as (text, cue, when); one that is already kept is not kept twice. Returns how many are new.

    `audience` alone may hear them again, and they are sealed with that contact's key; without one, anyone may.
    """
    if not examples:
        return 0
    key, known = vault.owner_key, list[str]()
    if audience is not None:
        wrapped = await tx.fetchval("SELECT key FROM contacts WHERE id = $1 FOR SHARE", audience)
        if wrapped is None:
            return 0  # forgotten meanwhile
        key, known = vault.contact_key(audience, wrapped), [str(audience)]
    rows = []
    for text, cue, at in examples:
        row = uuid4()
        sealed = seal(key, text, f"voice_examples:{row}:text")
        digest = vault.digest("voice", text, at.isoformat(), *known)
        rows.append((row, import_id, at, digest, list(cue), sealed, audience))
    before = await tx.fetchval("SELECT count(*) FROM voice_examples")
    await tx.executemany(
        """INSERT INTO voice_examples (id, import_id, at, digest, cue, text, audience)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING""",
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

    async def audiences(self) -> frozenset[UUID]:
        async with self._ledger.light() as light:
            rows = await light.fetch(
                "SELECT DISTINCT audience FROM voice_examples WHERE audience IS NOT NULL"
            )
        return frozenset(row["audience"] for row in rows)

    async def cues(self, audience: UUID | None) -> Sequence[tuple[UUID, Sequence[int], datetime]]:
        may_hear = "v.audience IS NULL" if audience is None else "v.audience = $1"
        async with self._ledger.light() as light:
            rows = await light.fetch(
                f"""SELECT v.id, v.cue, v.at FROM voice_examples v JOIN imports i ON i.id = v.import_id
                    WHERE {may_hear} AND i.me = {_NEWEST} ORDER BY v.at DESC LIMIT 20000""",
                *([] if audience is None else [audience]),
            )
        return [(row["id"], row["cue"], row["at"]) for row in rows]

    async def texts(self, ids: Sequence[UUID]) -> Mapping[UUID, str]:
        vault = self._ledger.vault
        async with self._ledger.light() as light:
            rows = await light.fetch(
                """SELECT v.id, v.text, v.audience, c.key FROM voice_examples v
                   LEFT JOIN contacts c ON c.id = v.audience WHERE v.id = ANY($1)""",
                list(ids),
            )
        opened = ((row["id"], _reply(vault, row)) for row in rows)
        return {id: text for id, text in opened if text is not None}


def _reply(vault: Vault, row: asyncpg.Record) -> str | None:
    """None for one that cannot be opened: a damaged key must silence nobody."""
    try:
        key = vault.contact_key(row["audience"], row["key"]) if row["audience"] else vault.owner_key
        return unseal(key, row["text"], f"voice_examples:{row['id']}:text")
    except (InvalidTag, ConfigError):
        log.error("voice.unreadable", id=str(row["id"]))
        return None
