"""News for dashboards: `events:messages` and `events:pause`. Ids and states; `content` is always null."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from functools import partial
from itertools import batched
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError, RedisError

from secondme.domain.event import MessageEvent, PauseEvent
from secondme.stores.signals.wire import ANSWER, Wired, to_ms

MESSAGES = "events:messages"
PAUSES = "events:pause"
RESYNC = {"event": "resync"}

# One call for all, with one answer: a client's work for a command costs more than Redis' own.
_PUBLISH = "for _, said in ipairs(cjson.decode(ARGV[1])) do redis.call('PUBLISH', said[1], said[2]) end"
_AT_ONCE = 500  # events in one call
_IDLE = 5.0  # seconds of silence after which the connection is asked whether it lives
_FIRST_REST, _LONGEST_REST = 0.1, 2.0  # seconds between attempts to reconnect


class News(Wired):
    """Publishes events and lets dashboards listen."""

    async def publish(self, events: Sequence[MessageEvent | PauseEvent]) -> None:
        """Tell dashboards, in order. Never raises: they resynchronise."""
        if events:
            await self._wire.tell("publish", partial(_publish, events), None)

    async def subscribe(self) -> AsyncIterator[dict[str, Any]]:
        """Every event from now on, as published. Never ends and never raises: it reconnects by itself.

        After a connection was lost, or could not be had at first, `{"event": "resync"}` comes before anything
        else: events were missed, so read the ledger again. Close the iterator when done (`aclosing`).
        """
        rest, missed = _FIRST_REST, False
        while True:
            pubsub = self._wire.waits.pubsub(ignore_subscribe_messages=True)
            try:
                async with asyncio.timeout(ANSWER):
                    await _open(pubsub)
                if missed:
                    yield dict(RESYNC)
                rest = _FIRST_REST
                async for event in _listen(pubsub):
                    yield event
            except (RedisError, OSError) as error:
                self._wire.failed("subscribe", error)
                missed = True
            finally:
                await self._hang_up(pubsub)
            await asyncio.sleep(rest)
            rest = min(rest * 2, _LONGEST_REST)

    async def _hang_up(self, pubsub: PubSub) -> None:
        try:
            await pubsub.aclose()
        except (RedisError, OSError) as error:
            self._wire.failed("hang up", error)


async def _open(pubsub: PubSub) -> None:
    """Subscribe and wait for the confirmations: before them, events are missed without anybody noticing."""
    await pubsub.subscribe(MESSAGES, PAUSES)
    for _ in (MESSAGES, PAUSES):
        if await pubsub.parse_response(block=False, timeout=ANSWER) is None:
            raise ConnectionError("no confirmation of a subscription")


async def _listen(pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
    """Yield events until the connection fails. Raises ConnectionError when it has died without a word."""
    asked = False
    while True:
        said = await pubsub.get_message(timeout=_IDLE)
        if said is not None:
            asked = False
            if said["type"] == "message" and (event := _parse(said["data"])) is not None:
                yield event
        elif asked:
            raise ConnectionError("no answer to a ping")
        else:
            await pubsub.ping()
            asked = True


async def _publish(events: Sequence[MessageEvent | PauseEvent], redis: Redis) -> None:
    for some in batched(events, _AT_ONCE):
        said = [
            (MESSAGES if isinstance(event, MessageEvent) else PAUSES, orjson.dumps(_payload(event)).decode())
            for event in some
        ]
        await redis.eval(_PUBLISH, 0, orjson.dumps(said))


def _parse(data: str) -> dict[str, Any] | None:
    """An event, or None for what somebody else put into the channel."""
    try:
        event = json.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _payload(event: MessageEvent | PauseEvent) -> dict[str, object]:
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
