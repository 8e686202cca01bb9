"""What the owner may do to contacts, from the command line or the dashboard, while services run."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from secondme.domain.address import is_phone, is_user_id, normalise
from secondme.domain.contact import ContactRow
from secondme.domain.errors import Ambiguous, Invalid, NotFound
from secondme.domain.persona import RELATIONSHIPS
from secondme.memory.authors import partner_key
from secondme.memory.forgetting import forget_in_chats
from secondme.memory.voicing import relearn
from secondme.pipeline.effects import Effects
from secondme.pipeline.switch import Switch
from secondme.ports import Clock, Signals
from secondme.stores.ledger import Ledger, files, imports, pauses, people, reading, retention, voices
from secondme.stores.vault import Vault

_PAGE = 500  # lines of a thread that are read at once
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Control:
    """The owner's acts. A CONTACT is an id, a name or a number."""

    def __init__(
        self, ledger: Ledger, signals: Signals, effects: Effects, switch: Switch, clock: Clock, chats: Path
    ) -> None:
        """`chats`: the folder of the imported chats that wait, sealed."""
        self._ledger = ledger
        self._signals = signals
        self._effects = effects
        self._switch = switch
        self._clock = clock
        self._chats = chats

    async def everyone(self, *, imported: bool = False) -> list[ContactRow]:
        """All contacts, one row an account, newest talk first; then, if asked for, those known from imports alone."""
        # No transaction: Postgres ends one that waits while thousands of names are opened.
        async with self._ledger.single() as connection:
            rows = await people.everyone(connection, self._ledger.vault)
            return rows + await people.silent(connection, self._ledger.vault) if imported else rows

    async def find(self, wanted: str, *, imported: bool = False) -> list[ContactRow]:
        """The rows of the one contact that is meant. Raises NotFound, or Ambiguous with the ids to use instead.

        `imported`: also those known from imports alone, whom nobody can answer.
        """
        rows = await self.everyone(imported=imported)
        matches = _matching(rows, wanted.strip())
        found = {row.id for row in matches}
        if not found:
            raise NotFound(f"No contact is called {wanted!r}: list them with `secondme contacts`.")
        if len(found) > 1:
            ids = ", ".join(f"{row.id} ({row.address})" for row in matches)
            raise Ambiguous(f"{wanted!r} fits several contacts; use an id: {ids}.")
        return matches

    async def enable(
        self, contact_id: UUID, enabled: bool, account_id: str | None = None
    ) -> tuple[UUID, ...]:
        """Let SecondMe answer this contact, or never.

        After the latter nothing leaves to them but the deliveries that are returned: they had begun, and end uncertain.
        """
        async with self._ledger.transaction() as tx:
            await people.set_enabled(tx, contact_id, enabled, account_id)
        self._effects.acted(
            "contact.enabled" if enabled else "contact.disabled", contact_id, self._clock.now()
        )
        return () if enabled else await self._switch.drain(contact_id)

    async def relate(self, contact_id: UUID, relationship: str, persona_id: str | None = None) -> None:
        """Say how the owner knows the contact; `persona_id` overrides the persona chosen by that."""
        if relationship not in RELATIONSHIPS:
            raise Invalid(f"A relationship is one of {', '.join(RELATIONSHIPS)}.")
        async with self._ledger.transaction() as tx:
            known = [p.id for p in await voices.personas(tx, self._ledger.vault)]
            if persona_id is not None and persona_id not in known:
                raise NotFound(f"No persona has the id {persona_id!r}; there are: {', '.join(known)}.")
            await people.set_relationship(tx, contact_id, relationship, persona_id)
        self._effects.acted("contact.related", contact_id, self._clock.now())

    async def status(self) -> dict[str, Any]:
        """Counts, pauses and how the last day's messages ended."""
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            state = await reading.state(tx, now)
            endings = await reading.receipts(tx, now - timedelta(days=1))
        return {**state, "receipts": endings}

    async def export(self, contact_id: UUID) -> dict[str, Any]:
        """Everything kept about a contact, opened. Raises NotFound."""
        rows = await self._rows(contact_id)
        threads = {
            row.account_id: await self._thread(row.conversation_id) for row in rows if not row.imported
        }
        person, vault = rows[0], self._ledger.vault
        async with self._ledger.transaction() as tx:
            held = await pauses.of(tx, contact_id)
            chats = await voices.imports_with(tx, _partners(vault, rows), contact_id)
        self._effects.acted("contact.exported", contact_id, self._clock.now())
        return {
            "id": str(person.id),
            "name": person.name,
            "address": person.address,
            "also": person.also,
            "relationship": person.relationship,
            "accounts": {row.account_id: {"enabled": row.enabled} for row in rows if not row.imported},
            "pauses": [
                {"since": _iso(p.since), "until": _iso(p.ends) if p.ends else None, "reason": p.reason.value}
                for p in held
            ],
            "imports": _imports(chats),
            "messages": threads,
        }

    async def _rows(self, contact_id: UUID) -> list[ContactRow]:
        async with self._ledger.transaction() as tx:
            rows = await people.rows_of(tx, self._ledger.vault, contact_id)
        if not rows:
            raise NotFound("There is no such contact; it may have been forgotten.")
        return rows

    async def _thread(self, conversation_id: UUID) -> list[dict[str, Any]]:
        """A whole thread, page by page: nothing is opened while a connection is held."""
        lines: list[reading.Bubble] = []
        async with self._ledger.transaction() as tx:
            page = await reading.page(tx, conversation_id, _PAGE)
        while page:
            lines += reading.opened(self._ledger.vault, page)
            async with self._ledger.transaction() as tx:
                page = await reading.page(tx, conversation_id, _PAGE, page.before)
        return [_exported(line) for line in sorted(lines, key=lambda line: line.at)]

    async def forget(self, contact_id: UUID) -> dict[str, Any]:
        """Erase a contact everywhere; returns the receipt: what went, when it was finished, and which imports remain.

        An import belongs to a contact where the chat's other side bears their name or number: under another name it
        remains, and only the owner can tell. Raises NotFound.
        """
        rows = await self._rows(contact_id)
        vault = self._ledger.vault
        partners = _partners(vault, rows)
        await self._switch.press(contact_id)
        async with self._ledger.transaction() as tx:
            chats = await imports.chats_with(tx, vault, partners, contact_id)
            counts = await retention.forget(tx, vault, contact_id, partners, self._clock.now())
            if "learned voice" in counts and await relearn(tx, vault, self._clock.now()):
                counts.pop("learned voice", None)  # others taught it too
            remain = await voices.imports(tx)
        await forget_in_chats(self._ledger, self._chats, chats, str(contact_id))
        await self._signals.forget(str(contact_id))
        await self._signals.drop_personas(voices.LEARNED)
        finished = self._clock.now()
        self._effects.acted("contact.forgotten", contact_id, finished)
        return {
            "forgotten": str(contact_id),
            "erased": counts,
            "finishedAt": finished.isoformat(),
            "importsThatRemain": _imports(remain),
        }

    async def rewrite_files(self) -> None:
        """Have the ledger's and Redis' files hold nothing of whom they have forgotten. Raises StoreUnavailable."""
        await self._signals.rewrite_files()
        await files.rewrite_files(self._ledger)


def _partners(vault: Vault, rows: Sequence[ContactRow]) -> list[str]:
    """How imports name the other side of a chat with this contact: keyed digests."""
    names = [text for row in rows for text in (row.name, row.address) if text]
    return [vault.digest("partner", partner_key(name)) for name in names]


def _imports(found: Sequence[tuple[datetime, int, int]]) -> list[dict[str, Any]]:
    return [
        {"importedAt": _iso(at), "messages": messages, "keptReplies": kept} for at, messages, kept in found
    ]


def _matching(rows: Sequence[ContactRow], wanted: str) -> list[ContactRow]:
    """By id, then by number, then by address, name or one word of it, whatever their case.

    Contacts choose their names: whoever is called by one word alone must not hide those who have it among others, and
    whoever is called by somebody's number or id is not them. Only in an import is a number that of its author; there
    a name is the address, which must not hide who writes under the same name.
    """
    by_id = [row for row in rows if str(row.id) == wanted.lower()]
    if by_id or _UUID.fullmatch(wanted):
        return by_id
    try:
        address = normalise(wanted)
    except Invalid:
        address = wanted
    by_address = [row for row in rows if address in (row.address, row.also)]
    if is_phone(address) or is_user_id(address):
        return by_address or [row for row in rows if row.imported and partner_key(row.name or "") == address]
    name = wanted.casefold()
    return [row for row in rows if row in by_address or name in _called(row)]


def _called(row: ContactRow) -> list[str]:
    name = (row.name or "").casefold()
    return [name, *name.split()] if name else []


def _exported(bubble: reading.Bubble) -> dict[str, Any]:
    return {
        "at": _iso(bubble.at),
        "by": bubble.by,
        "text": bubble.text,
        "kind": bubble.kind,
        "status": bubble.status,
        "rule": bubble.rule,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat()
