"""Personas, read through the documented cache in this process: the ledger is asked when its version has changed."""

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

    async def all(self) -> list[Persona]:
        """Every persona, the learned one first."""
        if time.monotonic() - self._loaded_at > _LOOK_EVERY:
            async with self._ledger.transaction() as tx:
                found = await voices.personas(tx, self._ledger.vault)
            if found != self._all:
                self._all = found
                await self._mirror()
            self._loaded_at = time.monotonic()
        return self._all

    async def refresh(self) -> None:
        """Load anew and mirror, as after an import."""
        self._loaded_at = float("-inf")
        await self.all()
        await self._mirror()

    async def _mirror(self) -> None:
        for persona in self._all:
            await self._cache.set_persona(persona)
