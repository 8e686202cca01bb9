"""PAUSE:ALL and PAUSE:{contactId}: a mirror of the ledger's pauses, and the one place besides it to say stop.

PAUSE:ALL may hold a press that the ledger could not take. So nothing here may delete a press, or put an
earlier one in its place, unless the ledger is known to have lifted it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from redis.asyncio import Redis

from secondme.stores.signals.wire import Wired, counter_key, now_ms, recent_key, to_ms, to_ms_up

ALL = "PAUSE:ALL"
# What an open-ended pause's key holds, the last millisecond of 9999: scripts compare it with their clock.
OPEN_END = 253402300799999

_MIRRORED = "MIRROR:pauses"  # the set of contact ids whose PAUSE key we wrote
_MIRRORED_ALL = "MIRROR:pauses:all"  # the value that the ledger last put into PAUSE:ALL

# Milliseconds that can be a moment of a press: since 2001, and not beyond an hour ahead of our clock.
_MOMENT = """
local function moment(value, now)
  local number = string.match(value, '^%d+$') and tonumber(value)
  if number and number >= 1e12 and number <= tonumber(now) + 3600000 then return number end
  return nil
end
"""
_PRESS = f"""{_MOMENT}
local have = moment(redis.call('GET', KEYS[1]) or '', ARGV[2])
if not have or have < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[1]) end
"""
_RELEASE = f"""{_MOMENT}
local have = moment(redis.call('GET', KEYS[1]) or '', ARGV[2])
if have and have <= tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
"""
# Somebody else's value, `1` or seconds instead of milliseconds, says stop without saying when: that is now.
_READ = f"""{_MOMENT}
local value = redis.call('GET', KEYS[1])
if not value or moment(value, ARGV[1]) then return value end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
"""
_UNMIRROR = """
local ours = redis.call('GET', KEYS[2])
if ours and ours == redis.call('GET', KEYS[1]) then redis.call('DEL', KEYS[1]) end
redis.call('DEL', KEYS[2])
"""


class Pauses(Wired):
    """Presses of the switch, and the mirrored pauses."""

    async def stop_pressed_at(self) -> datetime | None:
        """When PAUSE:ALL says that everything was stopped; None when it is not there.

        A value that is no plausible moment is replaced by now. Raises StoreUnavailable within a second:
        unknown means silent.
        """
        value = await self._wire.ask("read PAUSE:ALL", lambda redis: redis.eval(_READ, 1, ALL, str(now_ms())))
        return datetime.fromtimestamp(int(value) / 1000, UTC) if value else None

    async def press(self, at: datetime) -> None:
        """Set PAUSE:ALL to `at`, unless it holds a later press. Never raises: `stop_pressed_at` tells.

        An earlier value gives way: it may have been lifted, with its release lost or still on its way.
        """
        await self._wire.tell("press", lambda redis: _press(redis, at, ALL), None)

    async def release(self, up_to: datetime) -> None:
        """Delete PAUSE:ALL if it was pressed at `up_to`, the moment of the ledger's last resume, or before.

        Never raises.
        """
        args = (str(to_ms(up_to)), str(now_ms()))
        await self._wire.tell("release", lambda redis: redis.eval(_RELEASE, 1, ALL, *args), None)

    async def mirror_pauses(
        self, everybody: datetime | None, contacts: Mapping[str, datetime | None]
    ) -> None:
        """Make PAUSE:ALL and PAUSE:{contactId} agree with the ledger. Never raises.

        `everybody` is since when everything is stopped, `contacts` maps paused contacts to when their pause
        ends, None for an open end. A press of the switch that the ledger has not adopted stays.
        """
        await self._wire.tell("mirror everybody", lambda redis: _mirror_everybody(redis, everybody), None)
        await self._wire.tell("mirror contacts", lambda redis: _mirror_contacts(redis, contacts), None)

    async def forget(self, contact_id: str) -> None:
        """Delete every key of a contact. Never raises."""
        await self._wire.tell("forget", lambda redis: _forget(redis, contact_id), None)


async def _press(redis: Redis, at: datetime, *keys: str) -> None:
    # Rounded up: of a press and a resume within one millisecond the press must win.
    await redis.eval(_PRESS, len(keys), *keys, str(to_ms_up(at)), str(now_ms()))


async def _mirror_everybody(redis: Redis, since: datetime | None) -> None:
    if since is not None:
        await _press(redis, since, ALL, _MIRRORED_ALL)
    else:
        await redis.eval(_UNMIRROR, 2, ALL, _MIRRORED_ALL)


async def _forget(redis: Redis, contact: str) -> None:
    async with redis.pipeline(transaction=True) as pipe:
        pipe.srem(_MIRRORED, contact)
        pipe.delete(f"PAUSE:{contact}", counter_key(contact), recent_key(contact))
        await pipe.execute()


async def _mirror_contacts(redis: Redis, contacts: Mapping[str, datetime | None]) -> None:
    mirrored: set[str] = set(await redis.smembers(_MIRRORED))  # type: ignore[arg-type]
    gone = mirrored - contacts.keys()
    async with redis.pipeline(transaction=True) as pipe:
        if gone:
            pipe.delete(*(f"PAUSE:{contact}" for contact in gone))
            pipe.srem(_MIRRORED, *gone)
        for contact, until in contacts.items():
            if until is None:
                pipe.set(f"PAUSE:{contact}", OPEN_END)
            elif (left := to_ms_up(until) - now_ms()) > 0:
                pipe.set(f"PAUSE:{contact}", to_ms_up(until), px=left)
            else:
                pipe.delete(f"PAUSE:{contact}")
        if contacts:
            pipe.sadd(_MIRRORED, *contacts)
        await pipe.execute()
