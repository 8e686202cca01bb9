"""Small things with a short life: the mirrored counter, persona cache, recent messages, one-time links."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

import orjson
from redis.asyncio import Redis

from secondme.domain.persona import Persona
from secondme.stores.signals.wire import Wired, counter_key, now_ms, recent_key, to_ms

_MINUTE = 60
_PERSONA_SECONDS = 30 * 60
_AT_ONCE = 500  # messages in one call
# One call for all, with one answer: a client's work for a command costs more than Redis' own.
_TRACK = """
local keys, failed = {}, nil
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then failed = answer end
end
for _, noted in ipairs(cjson.decode(ARGV[1])) do
  try('ZADD', noted[1], noted[3], noted[2])
  keys[noted[1]] = true
end
for key in pairs(keys) do
  try('ZREMRANGEBYSCORE', key, '-inf', ARGV[2])
  try('EXPIRE', key, ARGV[3])
end
return failed
"""


class Shelf(Wired):
    """Keys that expire by themselves."""

    async def mirror_counters(self, counts: Mapping[str, int]) -> None:
        """Mirror the sliding count of each contact's last minute, by contact id. Never raises."""
        if counts:
            await self._wire.tell("mirror counters", partial(_count, counts), None)

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

    async def track(self, messages: Sequence[tuple[str, str, datetime]]) -> None:
        """Note (contact, message, arrival) in the `messages:{userId}` of the last minute. Never raises."""
        if messages:
            await self._wire.tell("track", partial(_track, messages), None)

    async def put_once(self, name: str, ttl: timedelta) -> None:
        """Make something that can be taken once before it expires. `name` is a digest.

        Raises StoreUnavailable.
        """
        await self._wire.ask("put once", lambda redis: redis.set(f"ONCE:{name}", 1, px=ttl))

    async def take_once(self, name: str) -> bool:
        """Whether it was there; now it is gone. Raises StoreUnavailable."""
        return await self._wire.ask("take once", lambda redis: redis.getdel(f"ONCE:{name}")) is not None


async def _count(counts: Mapping[str, int], redis: Redis) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        for contact_id, count in counts.items():
            pipe.set(counter_key(contact_id), count, ex=_MINUTE)
        await pipe.execute()


async def _track(messages: Sequence[tuple[str, str, datetime]], redis: Redis) -> None:
    oldest = now_ms() - _MINUTE * 1000
    for some in batched(messages, _AT_ONCE):
        noted = [(recent_key(user_id), message_id, str(to_ms(at))) for user_id, message_id, at in some]
        await redis.eval(_TRACK, 0, orjson.dumps(noted), str(oldest), str(_MINUTE))
