"""Events for dashboards: documented payloads without content, and a word when some were missed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from secondme.domain.event import MessageEvent, PauseEvent
from secondme.stores.signals import RedisSignals, news
from tests.support.tidings import publish

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
MESSAGE = MessageEvent("message.received", UUID(int=1), UUID(int=2), False, AT)
PAUSED = PauseEvent("pause.started", UUID(int=2), AT, "owner_word")
RESUMED = PauseEvent("pause.lifted", None, None, "switch")


async def listening(redis: Redis) -> int:
    """How many dashboards Redis counts."""
    counted: Any = await redis.pubsub_numsub("events:pause")
    return int(dict(counted)["events:pause"])


class Listener:
    """A dashboard that takes events one by one."""

    def __init__(self, events: AsyncIterator[dict[str, Any]], redis: Redis) -> None:
        self._events, self._redis = events, redis
        self._next: asyncio.Task[dict[str, Any]] | None = None

    async def ready(self) -> None:
        """Wait until Redis counts it."""
        self._next = asyncio.ensure_future(anext(self._events))
        async with asyncio.timeout(10):
            while not await listening(self._redis):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait([self._next])

    async def take(self) -> dict[str, Any]:
        ahead, self._next = self._next, None
        async with asyncio.timeout(10):
            return await (ahead or anext(self._events))


@pytest.fixture
async def listener(signals: RedisSignals, redis_client: Redis) -> AsyncIterator[Listener]:
    async with aclosing(signals.subscribe()) as events:  # type: ignore[type-var]
        found = Listener(events, redis_client)
        await found.ready()
        yield found


async def test_payloads_are_as_documented(signals: RedisSignals, redis_client: Redis) -> None:
    async with redis_client.pubsub(ignore_subscribe_messages=True) as peer:
        await peer.subscribe("events:messages", "events:pause")
        while await peer.get_message(timeout=0.05):
            pass
        for event in (MESSAGE, PAUSED, RESUMED):
            await publish(signals, [event])
        heard: list[tuple[str, dict[str, Any]]] = []
        while len(heard) < 3:
            if said := await peer.get_message(timeout=2):
                heard.append((said["channel"], json.loads(said["data"])))
    ms = 1795167000000
    assert heard == [
        (
            "events:messages",
            {
                "messageId": str(UUID(int=1)),
                "contactId": str(UUID(int=2)),
                "content": None,
                "botSent": False,
                "timestamp": ms,
                "event": "message.received",
            },
        ),
        (
            "events:pause",
            {
                "contactId": str(UUID(int=2)),
                "action": "pause",
                "expiresAt": ms,
                "reason": "owner_word",
                "event": "pause.started",
            },
        ),
        (
            "events:pause",
            {
                "contactId": "all",
                "action": "resume",
                "expiresAt": None,
                "reason": "switch",
                "event": "pause.lifted",
            },
        ),
    ]


async def test_a_listener_hears_events_in_order_and_no_resync(
    signals: RedisSignals, listener: Listener
) -> None:
    for event in (MESSAGE, PAUSED, RESUMED):
        await publish(signals, [event])
    names = [(await listener.take())["event"] for _ in range(3)]
    assert names == ["message.received", "pause.started", "pause.lifted"]


async def test_rubbish_in_the_channel_is_passed_over(
    signals: RedisSignals, redis_client: Redis, listener: Listener
) -> None:
    for rubbish in ("{", "[]", "null", ""):
        await redis_client.publish("events:messages", rubbish)
    await publish(signals, [MESSAGE])
    assert (await listener.take())["event"] == "message.received"


async def test_a_cut_connection_is_followed_by_a_resync(
    signals: RedisSignals, redis_client: Redis, listener: Listener
) -> None:
    for _ in range(2):
        await redis_client.client_kill_filter(_type="pubsub")
        assert await listener.take() == {"event": "resync"}
        await publish(signals, [MESSAGE])
        assert (await listener.take())["event"] == "message.received"


async def test_silence_is_no_failure(
    signals: RedisSignals, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "_IDLE", 0.05)
    await publish(signals, [MESSAGE])
    await listener.take()
    ahead = asyncio.create_task(listener.take())
    await asyncio.sleep(0.5)
    assert not ahead.done()
    await publish(signals, [PAUSED])
    assert (await ahead)["event"] == "pause.started"


async def test_closing_the_iterator_frees_its_connection(signals: RedisSignals, redis_client: Redis) -> None:
    for _ in range(20):  # more than there are waiters
        async with aclosing(signals.subscribe()) as events:  # type: ignore[type-var]
            ready = Listener(events, redis_client)
            await ready.ready()
            await ready.stop()
    assert await listening(redis_client) == 0
