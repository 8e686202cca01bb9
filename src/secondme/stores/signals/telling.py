"""What is told through Redis: doorbells, news, small mirrors; one call for all of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import batched, chain

import orjson
from redis.asyncio import Redis

from secondme.domain.event import Event, ImportEvent, MessageEvent
from secondme.ports import Bell, Tidings
from secondme.stores.signals.wire import Wired, counter_key, now_ms, recent_key, to_ms

MESSAGES = "events:messages"
PAUSES = "events:pause"
IMPORTS = "events:imports"
PERSONAS = "events:personas"
_AGE_MS = 5 * 60 * 1000  # an older bell has nothing to say: the sweeper was there
_LENGTH = "1000"  # entries that a stream keeps, roughly
_MINUTE = 60
_AT_ONCE = 1_500  # commands in one call
# One call with one answer: a client's work for a command costs more than Redis' own. What fails stops nothing else.
_RUN = """
local failed
for _, command in ipairs(cjson.decode(ARGV[1])) do
  local answer = redis.pcall(unpack(command))
  if type(answer) == 'table' and answer.err then failed = answer end
end
return failed
"""

type _Command = tuple[str, ...]


class Telling(Wired):
    """Tells whoever listens, and whoever looks."""

    async def tell(self, tidings: Tidings) -> None:
        """All of it, bells first. Never raises: a lost bell is found by the sweeper, pages resynchronise."""
        commands = chain(
            chain.from_iterable(_ring(stream, bells) for stream, bells in tidings.bells.items()),
            _note(tidings.arrivals),
            map(_publish, tidings.events),
            (
                ("SET", counter_key(who), str(count), "EX", str(_MINUTE))
                for who, count in tidings.counters.items()
            ),
        )
        for some in batched(commands, _AT_ONCE):
            await self._wire.tell("tell", partial(_run, some), None)


async def _run(commands: Sequence[_Command], redis: Redis) -> None:
    await redis.eval(_RUN, 0, orjson.dumps(commands))


def _ring(stream: str, bells: Sequence[Bell]) -> Iterator[_Command]:
    for bell in bells:
        yield (
            *("XADD", stream, "*"),
            *("messageId", bell.message_id),
            *("contactId", bell.contact_id),
            *("content", bell.content),
            *("timestamp", str(bell.timestamp)),
            *("direction", bell.direction),
            *("fromMe", "true" if bell.from_me else "false"),
        )
    if bells:
        yield "XTRIM", stream, "MINID", "~", str(now_ms() - _AGE_MS)
        yield "XTRIM", stream, "MAXLEN", "~", _LENGTH


def _note(arrivals: Sequence[tuple[str, str, datetime]]) -> Iterator[_Command]:
    """The documented `messages:{userId}` sets, of the last minute."""
    for user_id, message_id, at in arrivals:
        yield "ZADD", recent_key(user_id), str(to_ms(at)), message_id
    oldest = str(now_ms() - _MINUTE * 1000)
    for key in {recent_key(user_id) for user_id, _, _ in arrivals}:
        yield "ZREMRANGEBYSCORE", key, "-inf", oldest
        yield "EXPIRE", key, str(_MINUTE)


def _publish(event: Event) -> _Command:
    return "PUBLISH", _channel(event), orjson.dumps(_payload(event)).decode()


def _channel(event: Event) -> str:
    if isinstance(event, MessageEvent):
        return MESSAGES
    return IMPORTS if isinstance(event, ImportEvent) else PAUSES


def _payload(event: Event) -> dict[str, object]:
    if isinstance(event, ImportEvent):
        return {
            "importId": str(event.import_id),
            "total": event.total,
            "done": event.done,
            "entities": event.entities,
            "timestamp": to_ms(event.at),
            "event": event.name,
        }
    if isinstance(event, MessageEvent):
        return {
            "messageId": str(event.message_id),
            "contactId": str(event.contact_id),
            "content": None,
            "botSent": event.bot_sent,
            "timestamp": to_ms(event.at),
            "event": event.name,
        }
    return {
        "contactId": str(event.contact_id) if event.contact_id else "all",
        "action": "resume" if event.name == "pause.lifted" else "pause",
        "expiresAt": to_ms(event.expires_at) if event.expires_at else None,
        "reason": event.reason,
        "event": event.name,
    }
