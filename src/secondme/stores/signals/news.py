"""News for dashboards and caches, on `events:` and what it is about. Ids and states, never a word."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError, RedisError

from secondme.stores.signals.telling import IMPORTS, MESSAGES, PAUSES, PERSONAS
from secondme.stores.signals.wire import ANSWER, Wired

RESYNC = {"event": "resync"}

_CHANNELS = (MESSAGES, PAUSES, IMPORTS)
_IDLE = 5.0  # seconds of silence after which the connection is asked whether it lives
_FIRST_REST, _LONGEST_REST = 0.1, 2.0  # seconds between attempts to reconnect


class News(Wired):
    """Lets dashboards listen."""

    async def changes(self) -> AsyncIterator[None]:
        """Once for each time that personas changed, and once when that may have been missed."""
        async with aclosing(self.subscribe(PERSONAS)) as events:  # type: ignore[type-var]
            async for _ in events:
                yield

    async def subscribe(self, *channels: str) -> AsyncIterator[dict[str, Any]]:
        """Every event from now on, as published on these channels, or on all that a dashboard shows. Never ends and
        never raises: it reconnects by itself.

        After a connection was lost, or could not be had at first, `{"event": "resync"}` comes before anything
        else: events were missed, so read the ledger again. Close the iterator when done (`aclosing`).
        """
        rest, missed = _FIRST_REST, False
        while True:
            pubsub = self._wire.waits.pubsub(ignore_subscribe_messages=True)
            try:
                async with asyncio.timeout(ANSWER):
                    await _open(pubsub, channels or _CHANNELS)
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


async def _open(pubsub: PubSub, channels: Sequence[str]) -> None:
    """Subscribe and wait for the confirmations: before them, events are missed without anybody noticing."""
    await pubsub.subscribe(*channels)
    for _ in channels:
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


def _parse(data: str) -> dict[str, Any] | None:
    """An event, or None for what somebody else put into the channel."""
    try:
        event = json.loads(data)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
