"""Doorbells: documented entries, groups from 0, streams and pending lists that do not grow for ever."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from secondme.ports import Bell, Signals
from secondme.stores.signals import RedisSignals
from tests.support.tidings import ring

STREAM, GROUP = "QUEUE:messages", "orchestrator"


async def entries(redis: Redis, stream: str = STREAM) -> list[tuple[str, dict[str, str]]]:
    found: Any = await redis.xrange(stream)
    return list(found)


def bell(number: int = 1, from_me: bool = False) -> Bell:
    return Bell(f"m-{number}", "c-1", f"messages/{number}", 1795167000000, "incoming", from_me)


async def pending(redis: Redis) -> int:
    found: Any = await redis.xpending(STREAM, GROUP)
    return int(found["pending"])


def test_it_is_the_port(signals: RedisSignals) -> None:
    port: Signals = signals
    assert port


async def test_an_entry_has_the_documented_fields(signals: RedisSignals, redis_client: Redis) -> None:
    for stream in ("QUEUE:messages", "QUEUE:responses", "QUEUE:chat_history"):
        await ring(signals, stream, [bell(), bell(2, from_me=True)])
        (_, first), (_, second) = await entries(redis_client, stream)
        assert first == {
            "messageId": "m-1",
            "contactId": "c-1",
            "content": "messages/1",
            "timestamp": "1795167000000",
            "direction": "incoming",
            "fromMe": "false",
        }
        assert (second["messageId"], second["fromMe"]) == ("m-2", "true")


async def test_bells_are_heard_in_order_and_acknowledged(signals: RedisSignals, redis_client: Redis) -> None:
    await ring(signals, STREAM, [bell(number) for number in range(3)])
    heard = await signals.wait(STREAM, GROUP, 1)
    assert list(heard) == [entry for entry, _ in await entries(redis_client)]
    assert await pending(redis_client) == 3
    assert await signals.wait(STREAM, GROUP, 0.01, heard) == []
    assert await pending(redis_client) == 0


async def test_a_bell_wakes_who_waits(signals: RedisSignals) -> None:
    waiting = asyncio.create_task(signals.wait(STREAM, GROUP, 5))
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await ring(signals, STREAM, [bell()])
    assert len(await waiting) == 1
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize("seconds", [0, -1, 0.2])
async def test_waiting_in_vain_ends_in_time(signals: RedisSignals, seconds: float) -> None:
    begun = time.monotonic()
    assert await signals.wait(STREAM, GROUP, seconds) == []
    assert max(seconds, 0) - 0.05 < time.monotonic() - begun < max(seconds, 0) + 0.5


async def test_groups_hear_everything_consumers_share(shared_redis: Any, signals: RedisSignals) -> None:
    other = RedisSignals(shared_redis.url)
    await ring(signals, STREAM, [bell(number) for number in range(10)])
    first = await signals.wait(STREAM, GROUP, 1)
    assert await other.wait(STREAM, GROUP, 0.05) == []
    assert await other.wait(STREAM, "memory", 1) == first
    await other.close()


async def test_a_flush_in_the_middle_loses_bells_and_nothing_else(
    signals: RedisSignals, redis_client: Redis
) -> None:
    await ring(signals, STREAM, [bell()])
    heard = await signals.wait(STREAM, GROUP, 1)
    await redis_client.flushall()
    await ring(signals, STREAM, [bell(2)])
    assert len(await signals.wait(STREAM, GROUP, 1, heard)) == 1


async def test_a_flush_while_waiting_does_not_deafen(signals: RedisSignals, redis_client: Redis) -> None:
    waiting = asyncio.create_task(signals.wait(STREAM, GROUP, 5))
    await asyncio.sleep(0.1)
    await redis_client.flushall()
    await asyncio.sleep(0.1)
    await ring(signals, STREAM, [bell()])
    begun = time.monotonic()
    heard = await waiting or await signals.wait(STREAM, GROUP, 5)
    assert len(heard) == 1
    assert time.monotonic() - begun < 1


async def test_a_stream_keeps_about_a_thousand_entries(signals: RedisSignals, redis_client: Redis) -> None:
    await ring(signals, STREAM, [bell(number) for number in range(3000)])
    assert 1000 <= await redis_client.xlen(STREAM) <= 1200
    assert (await entries(redis_client))[-1][1]["messageId"] == "m-2999"


async def test_entries_older_than_five_minutes_go(signals: RedisSignals, redis_client: Redis) -> None:
    old = int((time.time() - 301) * 1000)
    for number in range(300):
        await redis_client.xadd(STREAM, {"messageId": "old"}, id=f"{old}-{number}")
    await ring(signals, STREAM, [bell(number) for number in range(101)])
    left = await entries(redis_client)
    assert sum(fields["messageId"] == "old" for _, fields in left) < 100
    assert sum(fields["messageId"] != "old" for _, fields in left) == 101


async def test_more_bells_than_one_answer_holds(signals: RedisSignals) -> None:
    await ring(signals, STREAM, [bell(number) for number in range(700)])
    assert len(await signals.wait(STREAM, GROUP, 1)) == 500
    assert len(await signals.wait(STREAM, GROUP, 1)) == 200


async def test_what_the_dead_left_pending_is_forgotten(shared_redis: Any, redis_client: Redis) -> None:
    dead = RedisSignals(shared_redis.url)
    await ring(dead, STREAM, [bell(number) for number in range(20)])
    assert len(await dead.wait(STREAM, GROUP, 1)) == 20
    await asyncio.sleep(0.15)
    heir = RedisSignals(shared_redis.url, idle_after=timedelta(seconds=0.1))
    await heir.wait(STREAM, GROUP, 0.01)
    assert await pending(redis_client) == 0
    consumers: Any = await redis_client.xinfo_consumers(STREAM, GROUP)
    assert len(consumers) == 1
    await heir.close()
    await dead.close()


async def test_what_a_living_consumer_forgot_is_forgotten(shared_redis: Any, redis_client: Redis) -> None:
    signals = RedisSignals(shared_redis.url, idle_after=timedelta(seconds=0.1))
    await ring(signals, STREAM, [bell(number) for number in range(600)])
    assert len(await signals.wait(STREAM, GROUP, 1)) == 500
    assert len(await signals.wait(STREAM, GROUP, 1)) == 100
    await asyncio.sleep(0.15)
    await signals.wait(STREAM, GROUP, 0.01)
    assert await pending(redis_client) == 0
    await signals.close()


async def test_closing_leaves_the_group(shared_redis: Any, redis_client: Redis) -> None:
    signals = RedisSignals(shared_redis.url)
    await signals.wait(STREAM, GROUP, 0.01)
    await signals.close()
    assert await redis_client.xinfo_consumers(STREAM, GROUP) == []


async def test_ringing_nothing_asks_nothing(signals: RedisSignals, redis_client: Redis) -> None:
    await ring(signals, STREAM, [])
    assert await redis_client.exists(STREAM) == 0
