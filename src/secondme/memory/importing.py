"""An export becomes a voice, and waits, sealed, for memory to learn from it. The same file twice is one import."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from secondme.domain.errors import Invalid
from secondme.domain.persona import RELATIONSHIPS, Persona
from secondme.memory.authors import BEGINNING, Cast, cast, line, partner_key
from secondme.memory.exports import Export, ExportMessage, open_export
from secondme.memory.exports.authors import same_name
from secondme.memory.voice.cues import cue
from secondme.memory.voice.learn import Learned, learn
from secondme.memory.voicing import relearn
from secondme.pipeline.effects import Effects
from secondme.ports import Bell, Clock, Signals
from secondme.stores import sealed_chat
from secondme.stores.ledger import Connection, Ledger, imports, instance, voices

Progress = Callable[[int, int], None]
type Reply = tuple[str, Sequence[int], datetime]  # its text, the cue of what it answered, when
_KEEP_AT_ONCE = 500
_EPOCH, _SECOND = datetime(1970, 1, 1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did. Counts of messages and replies; never a word of them."""

    messages: int
    own: int
    authors: dict[str, int]
    layout: str
    persona: Persona
    offered: int  # replies found that may be kept, where the owner agreed to it
    kept: int  # new ones among them
    between: int  # of those kept, only the other side may hear so many again
    replaced: (
        int  # replies learned from another owner's chats, set aside until one of those is imported again
    )
    taken_back: int  # replies kept of this same file before, gone because the owner no longer agrees
    import_id: UUID
    remembers: int  # messages that memory learns from now
    partner: UUID | None  # the other one, where there is but one
    linked: bool  # False: the other one is known from imports alone


class Importer:
    """Learns the owner's voice from their own exports."""

    def __init__(
        self,
        ledger: Ledger,
        signals: Signals,
        effects: Effects,
        clock: Clock,
        defaults: Sequence[Persona],
        zone: ZoneInfo,
        folder: Path,
    ) -> None:
        """`zone` is the owner's: exports give local times without one. `folder`: where chats wait, sealed."""
        self._ledger = ledger
        self._signals = signals
        self._effects = effects
        self._clock = clock
        self._defaults = defaults
        self._zone = zone
        self._folder = folder

    async def run(
        self,
        path: Path,
        me: str,
        keep_voice: bool,
        order: str | None = None,
        progress: Progress = lambda done, size: None,
        *,
        whom: UUID | None = None,
        relationship: str | None = None,
        by_model: bool = False,
    ) -> Report:
        """Read `path` as a chat of `me`. `progress` gets (bytes read, bytes in all), from another thread.

        `whom`: the contact that the other one is. `relationship`: how the owner knows them, or those in the group;
        without it, what is known of the contact. `by_model`: memory may ask a model what the messages say.
        Raises ExportError for what is no export, NotFound where `me` does not write in it, Invalid for a `whom` in a
        chat of several, and for a relationship that is none.
        """
        if relationship is not None and relationship not in RELATIONSHIPS:
            raise Invalid(f"A relationship is one of {', '.join(RELATIONSHIPS)}.")
        writer = sealed_chat.Writer(self._folder)
        try:
            read = await asyncio.to_thread(self._read, path, me, keep_voice, order, progress, writer)
            report = await self._store(read, me, keep_voice, whom, relationship, by_model)
        finally:
            writer.discard()
        await self._signals.drop_personas(voices.LEARNED)
        now = self._clock.now()
        reference, id_ = f"import:{report.import_id}#0-{report.remembers}", str(report.import_id)
        self._effects.imported(Bell(id_, id_, reference, int(now.timestamp() * 1000), "incoming", False), now)
        return report

    async def inspect(self, path: Path, order: str | None = None) -> dict[str, Any]:
        """Who writes in an export and how much, without keeping anything."""
        return await asyncio.to_thread(inspect, path, order)

    def _read(
        self,
        path: Path,
        me: str,
        keep_voice: bool,
        order: str | None,
        progress: Progress,
        writer: sealed_chat.Writer,
    ) -> "_Read":
        """Everything that takes time, before a transaction is opened: Postgres ends one that waits."""
        export = open_export(path, order=order)
        digest = hashlib.sha256(f"{me}\x1f{export.size}\x1f".encode())
        mine, beginning = same_name(me), list[str]()

        def noted() -> Iterator[ExportMessage]:
            for message in export.messages(lambda done: progress(done, export.size), me):
                digest.update(f"{message.at}{message.author}{message.text}".encode(errors="replace"))
                if message.author is not None and message.text:
                    seconds = _seconds(message.at)
                    writer.add(seconds, message.author, message.text)
                    if len(beginning) < BEGINNING and same_name(message.author) != mine:
                        beginning.append(line(seconds // 60, message.author, message.text))
                yield message

        learned = learn(noted(), me, keep_voice, self._defaults)
        key = self._ledger.vault.cue_key()
        examples, between = (
            [
                ("\n".join(pair.reply), cue(pair.said, key), pair.at.replace(tzinfo=self._zone))
                for pair in pairs
            ]
            for pairs in (learned.pairs, learned.between)
        )
        return _Read(export, learned, digest.hexdigest(), examples, between, beginning, writer.close())

    async def _store(
        self,
        read: "_Read",
        me: str,
        keep_voice: bool,
        whom: UUID | None,
        relationship: str | None,
        by_model: bool,
    ) -> Report:
        """One transaction: an import that breaks off must not have cost the voice that was there."""
        vault, now, learned, sealed = self._ledger.vault, self._clock.now(), read.learned, read.sealed
        async with self._ledger.transaction() as tx:
            import_id, replaced = await self._begin(tx, read, me, now)
            taken_back = 0 if keep_voice else await voices.take_back(tx, import_id)
            found = await cast(tx, vault, sealed.authors, me, read.export.title, read.beginning, whom, now)
            other = found.partner if found else None
            plain = await self._keep(tx, import_id, read.examples, None)
            between = await self._keep(tx, import_id, read.between, other) if other else 0
            known = await imports.relate(tx, other, relationship) if other else relationship
            await voices.teach(tx, vault, import_id, replace(learned.lesson, relationship=known))
            await relearn(tx, vault, now)
            await instance.name_owner(tx, vault, me)
            if found:
                await self._enqueue(tx, import_id, sealed, found, by_model)
            await voices.changed(tx)
        return Report(
            messages=learned.messages,
            own=learned.own,
            authors=learned.authors,
            layout=describe(read.export),
            persona=learned.persona,
            offered=len(learned.pairs) + (len(learned.between) if other else 0),
            kept=plain + between,
            between=between,
            replaced=replaced,
            taken_back=taken_back,
            import_id=import_id,
            remembers=sealed.lines if found else 0,
            partner=found.partner if found else None,
            linked=found is None or found.linked,
        )

    async def _begin(self, tx: Connection, read: "_Read", me: str, now: datetime) -> tuple[UUID, int]:
        """The import's row, and how many replies it sets aside."""
        vault, partner = self._ledger.vault, _partner(read.learned, me, read.export.title)
        return await voices.begin_import(
            tx,
            vault.digest("import", read.digest),
            vault.digest("me", same_name(me)),
            vault.digest("partner", partner_key(partner)),
            read.learned.messages,
            now,
        )

    async def _keep(
        self, tx: Connection, import_id: UUID, replies: Sequence[Reply], audience: UUID | None
    ) -> int:
        """Returns how many were new."""
        vault, new = self._ledger.vault, 0
        for batch in batched(replies, _KEEP_AT_ONCE):
            new += await voices.keep_examples(tx, vault, import_id, batch, audience)
        return new

    async def _enqueue(
        self, tx: Connection, import_id: UUID, sealed: sealed_chat.Sealed, found: Cast, by_model: bool
    ) -> None:
        """The chat takes its place before the row that needs it is there; without that row it is swept away."""
        vault = self._ledger.vault
        sealed.path.rename(sealed_chat.place_of(self._folder, vault, sealed.key))
        await imports.enqueue(
            tx,
            vault,
            import_id,
            total=sealed.lines,
            key=sealed.key,
            audience=found.audience,
            tellers=found.tellers,
            by_model=by_model,
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A chat that was read: how, what of the voice was learned from it, and where it lies sealed."""

    export: Export
    learned: Learned
    digest: str
    examples: Sequence[Reply]  # which anyone may hear
    between: Sequence[Reply]  # which the other one may hear again
    beginning: Sequence[str]  # the first lines of others
    sealed: sealed_chat.Sealed


def _partner(learned: Learned, me: str, title: str | None) -> str:
    """Who the chat is with, as far as one can say: the other author who writes most, else the chat's name."""
    others = {name: count for name, count in learned.authors.items() if same_name(name) != same_name(me)}
    return max(others, key=others.__getitem__, default=title or "")


def _seconds(at: datetime) -> int:
    """Since 1970, by the phone's own clock."""
    return int((at - _EPOCH) // _SECOND)


def inspect(path: Path, order: str | None = None) -> dict[str, Any]:
    """Authors with their numbers of messages (at most 50 of them), the layout in words, and the count."""
    export = open_export(path, order=order)
    authors: dict[str, int] = {}
    messages = 0
    for message in export.messages():
        messages += 1
        if message.author is not None and (message.author in authors or len(authors) < 1000):
            authors[message.author] = authors.get(message.author, 0) + 1
    ranked = dict(sorted(authors.items(), key=lambda item: -item[1])[:50])
    return {"messages": messages, "authors": ranked, "layout": describe(export)}


def describe(export: Export) -> str:
    """The layout in a sentence that the owner can check."""
    orders = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
    layout = export.layout
    return f"{orders[layout.order]}; {layout.hours} hours; {layout.decided}"
