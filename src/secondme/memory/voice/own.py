"""The owner's own past replies, found by what they answered."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from secondme.domain.persona import Example
from secondme.memory.voice.cues import VoiceIndex, cue
from secondme.memory.voice.pairs import MOST_PAIRS
from secondme.ports import VoiceStore

_LOOKS_EVERY = 3.0  # seconds between two questions whether the kept replies changed


@dataclass(slots=True)
class _Loaded:
    """The cues of one version of the store; place in the index to id and time."""

    version: int
    index: VoiceIndex = field(default_factory=VoiceIndex)
    replies: list[tuple[UUID, datetime]] = field(default_factory=list)


def _load(version: int, rows: Sequence[tuple[UUID, Sequence[int], datetime]], most: int) -> _Loaded:
    newest = sorted(rows, key=lambda row: row[2], reverse=True)[:most]
    loaded = _Loaded(version)
    for reply, hashes, at in reversed(newest):
        loaded.index.add(hashes)
        loaded.replies.append((reply, at))
    loaded.index.nearest((), 0)  # measures the index here, in the thread that loads it
    return loaded


class OwnVoice:
    """ports.Voices over a ports.VoiceStore. Cues are loaded at the first question and again when the store's
    version has changed; of the texts only those returned are opened. At most `most` replies, the newest.
    """

    def __init__(
        self, store: VoiceStore, key: bytes, *, most: int = MOST_PAIRS, looks_every: float = _LOOKS_EVERY
    ) -> None:
        self._store, self._key, self._most, self._looks_every = store, key, most, looks_every
        self._loaded: _Loaded | None = None
        self._looked_at = 0.0
        self._loading = asyncio.Lock()

    async def nearest(self, texts: Sequence[str], limit: int) -> tuple[Example, ...]:
        """The kept replies whose cue is nearest to `texts`, best first, at most `limit`; `text` joins the
        messages of one reply by line breaks. Raises StoreUnavailable.
        """
        loaded = await self._current()
        if not loaded.replies or limit < 1:
            return ()
        hashes = cue(texts, self._key)
        if not hashes:
            return ()
        found = [(*loaded.replies[place], near) for place, near in loaded.index.nearest(hashes, limit)]
        opened = await self._store.texts([reply for reply, _, _ in found])
        return tuple(
            Example(text=opened[reply], closeness=near, at=at, id=reply)
            for reply, at, near in found
            if reply in opened
        )

    async def _current(self) -> _Loaded:
        async with self._loading:
            if self._loaded is None or time.monotonic() - self._looked_at >= self._looks_every:
                version = await self._store.version()
                if self._loaded is None or version != self._loaded.version:
                    rows = await self._store.cues()
                    self._loaded = await asyncio.to_thread(_load, version, rows, self._most)
                self._looked_at = time.monotonic()
            return self._loaded
