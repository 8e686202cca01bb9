"""Small things with a short life: persona cache, one-time links."""

import json
from datetime import timedelta

from secondme.domain.persona import Persona
from secondme.stores.signals.wire import Wired

_PERSONA_SECONDS = 30 * 60


class Shelf(Wired):
    """Keys that expire by themselves."""

    async def set_persona(self, persona: Persona) -> None:
        """Cache a persona for 30 minutes. Never raises."""
        cached = {
            "styleGuide": persona.style_guide,
            "tone": persona.tone,
            "exampleMessages": list(persona.examples),
        }
        key, said = f"CACHE:persona:{persona.id}", json.dumps(cached, ensure_ascii=False)
        await self._wire.tell("set persona", lambda redis: redis.set(key, said, ex=_PERSONA_SECONDS), None)

    async def drop_persona(self, persona_id: str) -> None:
        """Forget a cached persona that was changed. Never raises: it goes in 30 minutes at the latest."""
        await self._wire.tell("drop persona", lambda redis: redis.delete(f"CACHE:persona:{persona_id}"), 0)

    async def put_once(self, name: str, ttl: timedelta) -> None:
        """Make something that can be taken once before it expires. `name` is a digest.

        Raises StoreUnavailable.
        """
        await self._wire.ask("put once", lambda redis: redis.set(f"ONCE:{name}", 1, px=ttl))

    async def take_once(self, name: str) -> bool:
        """Whether it was there; now it is gone. Raises StoreUnavailable."""
        return await self._wire.ask("take once", lambda redis: redis.getdel(f"ONCE:{name}")) is not None
