"""The owner's own past replies, found by what they answered."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from secondme.domain.persona import Example
from secondme.memory.voice.cues import VoiceIndex, cue
from secondme.memory.voice.pairs import MOST_PAIRS
from secondme.ports import VoiceStore

Merged = Callable[[UUID], Awaitable[Collection[UUID]]]  # whom else the owner says that a contact is
_LOOKS_EVERY = 3.0  # seconds between two questions whether the kept replies changed
_MOST_AUDIENCES = 500  # whose cues are kept at once


@dataclass(slots=True)
class _Loaded:
    """The cues of one audience; place in the index to id and time."""

    index: VoiceIndex = field(default_factory=VoiceIndex)
    replies: list[tuple[UUID, datetime]] = field(default_factory=list)


async def _nobody(contact: UUID) -> Collection[UUID]:
    return ()


def _load(rows: Sequence[tuple[UUID, Sequence[int], datetime]], most: int) -> _Loaded:
    newest = sorted(rows, key=lambda row: row[2], reverse=True)[:most]
    loaded = _Loaded()
    for reply, hashes, at in reversed(newest):
        loaded.index.add(hashes)
        loaded.replies.append((reply, at))
    loaded.index.nearest((), 0)  # measures the index here, in the thread that loads it
    return loaded


class OwnVoice:
    """ports.Voices over a ports.VoiceStore. Cues are loaded at the first question and again when the store's
    version has changed; of the texts only those returned are opened. At most `most` replies of an audience, the newest.
    """

    def __init__(
        self,
        store: VoiceStore,
        key: bytes,
        *,
        merged: Merged = _nobody,
        most: int = MOST_PAIRS,
        looks_every: float = _LOOKS_EVERY,
    ) -> None:
        self._store, self._key, self._most, self._looks_every = store, key, most, looks_every
        self._merged = merged
        self._version: int | None = None
        self._looked_at = 0.0
        self._audiences: Collection[UUID] = ()
        self._loaded: OrderedDict[UUID | None, _Loaded] = OrderedDict()  # None: what anyone may hear
        self._loading = asyncio.Lock()

    async def nearest(self, contact: UUID, texts: Sequence[str], limit: int) -> tuple[Example, ...]:
        """The replies that this contact may hear whose cue is nearest to `texts`, best first, at most `limit`; `text`
        joins the messages of one reply by line breaks. Raises StoreUnavailable.
        """
        loaded = await self._current(contact)
        if limit < 1 or not any(one.replies for one in loaded):
            return ()
        hashes = cue(texts, self._key)
        found = [
            (*one.replies[place], near)
            for one in loaded
            for place, near in one.index.nearest(hashes, limit)
            if hashes
        ]
        best = sorted(found, key=lambda reply: -reply[2])[:limit]
        opened = await self._store.texts([reply for reply, _, _ in best])
        return tuple(
            Example(text=opened[reply], closeness=near, at=at, id=reply)
            for reply, at, near in best
            if reply in opened
        )

    async def _current(self, contact: UUID) -> list[_Loaded]:
        """What was said to this contact, under whichever name, and what anyone may hear."""
        await self._look()
        people = (contact, *await self._merged(contact)) if self._audiences else ()
        async with self._loading:
            theirs = [one for one in people if one in self._audiences]
            return [await self._of(audience) for audience in (*theirs, None)]

    async def _look(self) -> None:
        """Whether the kept replies have changed."""
        async with self._loading:
            if self._version is None or time.monotonic() - self._looked_at >= self._looks_every:
                version = await self._store.version()
                if version != self._version:
                    self._audiences = await self._store.audiences()
                    self._loaded.clear()
                    self._version = version
                self._looked_at = time.monotonic()

    async def _of(self, audience: UUID | None) -> _Loaded:
        if audience not in self._loaded:
            rows = await self._store.cues(audience)
            self._loaded[audience] = await asyncio.to_thread(_load, rows, self._most)
            if len(self._loaded) > _MOST_AUDIENCES:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(audience)
        return self._loaded[audience]
