"""An export becomes a voice: read, learn, keep what the owner agreed to keep. The same file twice is one import."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from secondme.domain.persona import Persona
from secondme.memory.exports import Export, ExportMessage, open_export
from secondme.memory.voice.cues import cue
from secondme.memory.voice.learn import Learned, learn
from secondme.memory.voice.pairs import same_name
from secondme.pipeline.control import partner_key
from secondme.pipeline.effects import Effects
from secondme.ports import Bell, Clock, Signals
from secondme.stores.ledger import Ledger, instance, voices

Progress = Callable[[int, int], None]
_KEEP_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did. Counts of messages and replies; never a word of them."""

    messages: int
    own: int
    authors: dict[str, int]
    layout: str
    persona: Persona
    offered: int  # plain replies found, where the owner agreed to keep them
    kept: int  # new ones among them
    replaced: (
        int  # replies learned from another owner's chats, set aside until one of those is imported again
    )
    taken_back: int  # replies kept of this same file before, gone because the owner no longer agrees


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
    ) -> None:
        """`zone` is the owner's: exports give local times without one."""
        self._ledger = ledger
        self._signals = signals
        self._effects = effects
        self._clock = clock
        self._defaults = defaults
        self._zone = zone

    async def run(
        self,
        path: Path,
        me: str,
        keep_voice: bool,
        order: str | None = None,
        progress: Progress = lambda done, size: None,
    ) -> Report:
        """Read `path` as a chat of `me`. `progress` gets (bytes read, bytes in all), from another thread.

        Raises ExportError for what is no export, NotFound where `me` does not write in it.
        """
        export, learned, digest = await asyncio.to_thread(
            _learn, path, me, keep_voice, order, self._defaults, progress
        )
        partner = _partner(learned, me, export.title)
        import_id, kept, replaced, taken_back = await self._store(learned, me, digest, partner, keep_voice)
        now = self._clock.now()
        reference = f"import:{import_id}#0-{learned.messages}"
        bell = Bell(str(import_id), str(import_id), reference, int(now.timestamp() * 1000), "incoming", False)
        self._effects.imported(bell, now)
        return Report(
            learned.messages,
            learned.own,
            learned.authors,
            describe(export),
            learned.persona,
            len(learned.pairs),
            kept,
            replaced,
            taken_back,
        )

    async def inspect(self, path: Path, order: str | None = None) -> dict[str, Any]:
        """Who writes in an export and how much, without keeping anything."""
        return await asyncio.to_thread(inspect, path, order)

    async def _store(
        self, learned: Learned, me: str, digest: str, partner: str, keep_voice: bool
    ) -> tuple[UUID, int, int, int]:
        """Returns the import, and how many replies were kept, set aside and taken back."""
        vault, now, kept, taken_back = self._ledger.vault, self._clock.now(), 0, 0
        key = vault.cue_key()
        # One transaction: an import that breaks off must not have cost the voice that was there.
        async with self._ledger.transaction() as tx:
            import_id, replaced = await voices.begin_import(
                tx,
                vault.digest("import", digest),
                vault.digest("me", same_name(me)),
                vault.digest("partner", partner_key(partner)),
                learned.messages,
                now,
            )
            if not keep_voice:
                taken_back = await voices.take_back(tx, import_id)
            for start in range(0, len(learned.pairs), _KEEP_AT_ONCE):
                batch = [
                    ("\n".join(pair.reply), cue(pair.said, key), pair.at.replace(tzinfo=self._zone))
                    for pair in learned.pairs[start : start + _KEEP_AT_ONCE]
                ]
                kept += await voices.keep_examples(tx, vault, import_id, batch)
            await voices.put_persona(tx, vault, learned.persona, now)
            await instance.name_owner(tx, vault, me)
            await voices.changed(tx)
        await self._signals.drop_persona(learned.persona.id)
        return import_id, kept, replaced, taken_back


def _partner(learned: Learned, me: str, title: str | None) -> str:
    """Who the chat is with, as far as one can say: the other author who writes most, else the chat's name."""
    others = {name: count for name, count in learned.authors.items() if same_name(name) != same_name(me)}
    return max(others, key=others.__getitem__, default=title or "")


def _learn(
    path: Path, me: str, keep_voice: bool, order: str | None, defaults: Sequence[Persona], progress: Progress
) -> tuple[Export, Learned, str]:
    export = open_export(path, order=order)
    digest = hashlib.sha256(f"{me}\x1f{export.size}\x1f".encode())

    def noted() -> Iterator[ExportMessage]:
        for message in export.messages(lambda done: progress(done, export.size)):
            digest.update(f"{message.at}{message.author}{message.text}".encode(errors="replace"))
            yield message

    learned = learn(noted(), me, keep_voice, defaults)
    return export, learned, digest.hexdigest()


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
