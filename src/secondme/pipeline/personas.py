"""Personas, read through the documented cache in this process: the ledger is asked when its version has changed."""

import asyncio
import time

from secondme.domain.persona import Persona
from secondme.ports import PersonaCache
from secondme.stores.ledger import Ledger, voices

_LOOK_EVERY = 2.0  # seconds


class Personas:
    """The personas of this instance, kept for two seconds; mirrored to CACHE:persona:{id}."""

    def __init__(self, ledger: Ledger, cache: PersonaCache) -> None:
        self._ledger = ledger
        self._cache = cache
        self._all: list[Persona] = []
        self._loaded_at = float("-inf")
        self._loading = asyncio.Lock()

    async def all(self) -> list[Persona]:
        """Every persona, the learned one first."""
        if self._old():
            async with self._loading:  # a hundred Turns that begin together ask once
                if self._old():
                    await self._load()
        return self._all

    def _old(self) -> bool:
        return time.monotonic() - self._loaded_at > _LOOK_EVERY

    async def _load(self) -> None:
        async with self._ledger.light() as light:
            found = await voices.personas(light, self._ledger.vault)
        self._loaded_at = time.monotonic()
        if found != self._all:
            self._all = found
            await self._mirror()

    async def refresh(self) -> None:
        """Load anew and mirror, as after an import."""
        self._loaded_at = float("-inf")
        await self.all()
        await self._mirror()

    async def _mirror(self) -> None:
        for persona in self._all:
            await self._cache.set_persona(persona)
