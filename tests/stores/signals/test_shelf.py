"""Keys with a short life: counter, persona cache, recent messages, one-time links."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from secondme.stores.signals import RedisSignals
from tests.stores.signals.conftest import RedisProcess
from tests.support.tidings import mirror_counters, track


async def test_the_counter_is_a_mirror_that_lasts_a_minute(
    signals: RedisSignals, redis_client: Redis
) -> None:
    await mirror_counters(signals, {"c-1": 7})
    assert await redis_client.get("COUNTER:c-1:msgs") == "7"
    assert 58 <= await redis_client.ttl("COUNTER:c-1:msgs") <= 60
    await mirror_counters(signals, {"c-1": 3})
    assert await redis_client.get("COUNTER:c-1:msgs") == "3"


async def test_a_persona_is_cached_as_documented(signals: RedisSignals, redis_client: Redis) -> None:
    await signals.cache_personas({"casual": "one 😀", "own": "two"})
    assert await redis_client.get("CACHE:persona:casual") == "one 😀"
    assert 1790 <= await redis_client.ttl("CACHE:persona:casual") <= 1800
    assert await signals.cached_personas(["own", "formal", "casual"]) == ["two", None, "one 😀"]
    await signals.drop_personas(["casual", "formal"])
    assert await signals.cached_personas(["own", "casual"]) == ["two", None]
    assert list(await signals.cached_personas([])) == []


async def test_a_dropped_persona_is_told_to_whoever_listens(
    shared_redis: RedisProcess, signals: RedisSignals
) -> None:
    other = RedisSignals(shared_redis.url)
    changes = other.changes()

    async def drops() -> None:
        while True:
            await signals.drop_personas(["casual"])
            await asyncio.sleep(0.02)  # until it listens

    dropping = asyncio.create_task(drops())
    async with asyncio.timeout(8):
        await anext(changes)
    dropping.cancel()
    await changes.aclose()  # type: ignore[attr-defined]
    await other.close()


async def test_messages_are_noted_for_a_minute(signals: RedisSignals, redis_client: Redis) -> None:
    now = datetime.now(UTC)
    for second in range(5):
        await track(signals, [("u-1", f"m-{second}", now - timedelta(seconds=second))])
    await track(signals, [("u-1", "m-0", now), ("u-2", "m-9", now)])
    await track(signals, [])
    assert await redis_client.zcard("messages:u-1") == 5
    assert await redis_client.zscore("messages:u-1", "m-0") == int(now.timestamp() * 1000)
    assert 58 <= await redis_client.ttl("messages:u-1") <= 60


async def test_entries_older_than_a_minute_go_on_add(signals: RedisSignals, redis_client: Redis) -> None:
    now, old = datetime.now(UTC), {"old": (time.time() - 61) * 1000}
    await redis_client.zadd("messages:u-1", old)
    await track(signals, [("u-1", "m-1", now)])
    assert await redis_client.zrange("messages:u-1", 0, -1) == ["m-1"]


async def test_a_forgotten_contact_leaves_no_key(signals: RedisSignals, redis_client: Redis) -> None:
    now = datetime.now(UTC)
    for contact in ("c-1", "c-2"):
        await mirror_counters(signals, {contact: 1})
        await track(signals, [(contact, "m-1", now)])
    await signals.mirror_pauses(None, {"c-1": None, "c-2": None})
    await signals.forget("c-1")
    assert set(await redis_client.keys()) == {
        "PAUSE:c-2",
        "COUNTER:c-2:msgs",
        "messages:c-2",
        "MIRROR:pauses",
    }
    assert await redis_client.smembers("MIRROR:pauses") == {"c-2"}


async def test_a_link_works_once(signals: RedisSignals) -> None:
    await signals.put_once("digest", timedelta(minutes=5))
    taken = await asyncio.gather(*(signals.take_once("digest") for _ in range(10)))
    assert sorted(taken) == [False] * 9 + [True]
    assert not await signals.take_once("never made")


async def test_a_link_expires(signals: RedisSignals) -> None:
    await signals.put_once("digest", timedelta(milliseconds=30))
    await asyncio.sleep(0.06)
    assert not await signals.take_once("digest")
