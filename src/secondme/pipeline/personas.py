"""Personas in two tiers: kept in this process, and in the documented CACHE:persona:{id} for all; the ledger knows."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from secondme.domain.errors import Invalid
from secondme.domain.persona import Persona, Style
from secondme.ports import PersonaCache
from secondme.stores.ledger import Ledger, voices
from secondme.stores.vault import Vault

_LOOK_EVERY = 2.0  # seconds between two looks at the ledger's version, for a word that was missed


class Personas:
    """The personas of this instance. A change is looked for when another process says so, and every two seconds.

    What is in Redis is used only if it bears the ledger's version and our mark: others can write there.
    """

    def __init__(self, ledger: Ledger, cache: PersonaCache) -> None:
        self._ledger = ledger
        self._cache = cache
        self._all: list[Persona] = []
        self._version: tuple[int, list[str]] | None = None
        self._looked_at = float("-inf")
        self._told = 0
        self._looking = asyncio.Lock()

    async def all(self) -> list[Persona]:
        """Every persona, the learned one first."""
        if self._old():
            async with self._looking:  # a hundred Turns that begin together ask once
                if self._old():
                    await self._look()
        return self._all

    async def listen(self) -> None:
        """Look anew whenever somebody says that personas have changed, for ever. Run beside whoever asks for them."""
        async for _ in self._cache.changes():
            self._told += 1
            self._looked_at = float("-inf")

    def _old(self) -> bool:
        return time.monotonic() - self._looked_at > _LOOK_EVERY

    async def _look(self) -> None:
        begun, told = time.monotonic(), self._told
        async with self._ledger.light() as light:
            version = await voices.version(light)
        if version != self._version:
            self._all = await self._cached(*version) or await self._loaded(version[0])
            self._version = version
        if told == self._told:  # else there was a word meanwhile
            self._looked_at = begun

    async def _cached(self, version: int, ids: Sequence[str]) -> list[Persona]:
        """All of them from Redis; none unless each is there as the ledger has it."""
        texts = await self._cache.cached_personas(ids)
        found = [_decoded(self._ledger.vault, version, id, text) for id, text in zip(ids, texts, strict=True)]
        return [persona for persona in found if persona] if all(found) else []

    async def _loaded(self, version: int) -> list[Persona]:
        async with self._ledger.light() as light:
            found = await voices.personas(light, self._ledger.vault)
        await self._cache.cache_personas({p.id: _encoded(self._ledger.vault, version, p) for p in found})
        return found


def _encoded(vault: Vault, version: int, persona: Persona) -> str:
    """The documented fields, what else a persona is, and a mark that only we can make."""
    kept = {
        "styleGuide": persona.style_guide,
        "tone": persona.tone,
        "exampleMessages": persona.examples,
        "name": persona.name,
        "applicableTo": persona.applicable_to,
        "style": asdict(persona.style),
        "version": version,
    }
    return json.dumps({**kept, "mark": _mark(vault, persona.id, kept)}, ensure_ascii=False)


def _decoded(vault: Vault, version: int, id: str, text: str | None) -> Persona | None:
    """None for what is not there, is not of this version, or is not ours."""
    try:
        kept = json.loads(text or "")
        if kept.pop("mark") != _mark(vault, id, kept) or kept["version"] != version:
            return None
        return Persona(
            id,
            kept["name"],
            kept["tone"],
            kept["styleGuide"],
            tuple(kept["exampleMessages"]),
            tuple(kept["applicableTo"]),
            Style.of(kept["style"]),
        )
    except (ValueError, LookupError, TypeError, AttributeError, Invalid):
        return None


def _mark(vault: Vault, id: str, kept: dict[str, Any]) -> str:
    return vault.digest("persona", id, json.dumps(kept, sort_keys=True))
