"""Small things with a short life: persona cache, one-time links."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from redis.asyncio import Redis

from secondme.stores.signals.telling import PERSONAS
from secondme.stores.signals.wire import Wired

_PERSONA_SECONDS = 30 * 60


class Shelf(Wired):
    """Keys that expire by themselves."""

    async def cached_personas(self, ids: Sequence[str]) -> Sequence[str | None]:
        """What CACHE:persona:{id} holds of these. Never raises: what cannot be had is not there."""
        keys = list(map(_persona_key, ids))
        if not keys:
            return ()
        return await self._wire.tell("cached personas", partial(_get, keys), [None] * len(keys))

    async def cache_personas(self, texts: Mapping[str, str]) -> None:
        """Keep these for 30 minutes. Never raises."""
        if texts:
            await self._wire.tell("cache personas", partial(_cache, texts), None)

    async def drop_personas(self, ids: Sequence[str]) -> None:
        """Forget cached personas that were changed, and say so on `events:personas`. Never raises: they go in 30
        minutes at the latest, and are not believed meanwhile.
        """
        await self._wire.tell("drop personas", partial(_drop, ids), None)

    async def put_once(self, name: str, ttl: timedelta) -> None:
        """Make something that can be taken once before it expires. `name` is a digest.

        Raises StoreUnavailable.
        """
        await self._wire.ask("put once", lambda redis: redis.set(f"ONCE:{name}", 1, px=ttl))

    async def take_once(self, name: str) -> bool:
        """Whether it was there; now it is gone. Raises StoreUnavailable."""
        return await self._wire.ask("take once", lambda redis: redis.getdel(f"ONCE:{name}")) is not None


async def _get(keys: Sequence[str], redis: Redis) -> Sequence[str | None]:
    found: list[str | None] = await redis.mget(keys)  # type: ignore[assignment]
    return found


async def _cache(texts: Mapping[str, str], redis: Redis) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for id, text in texts.items():
            pipe.set(_persona_key(id), text, ex=_PERSONA_SECONDS)
        await pipe.execute()


async def _drop(ids: Sequence[str], redis: Redis) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        pipe.delete(*map(_persona_key, ids))
        pipe.publish(PERSONAS, '{"event": "personas.changed"}')
        await pipe.execute()


def _persona_key(id: str) -> str:
    return f"CACHE:persona:{id}"
