"""Redis gone, hung, restarted or unwilling: the mouth hears of it within a second, the ears do not."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.domain.event import PauseEvent
from secondme.observe import metrics
from secondme.ports import Bell
from secondme.stores.signals import RedisSignals
from tests.support.tidings import mirror_counters, publish, ring, track

STREAM, GROUP = "QUEUE:messages", "orchestrator"
CANARY = "CANARY-messages-1"
BELL = Bell("m-1", "c-1", CANARY, 1795167000000, "incoming", False)
EVENT = PauseEvent("pause.started", None, None, "switch")


@pytest.fixture
async def signals(own_redis: Any) -> AsyncIterator[RedisSignals]:
    found = RedisSignals(own_redis.url)
    yield found
    await found.close()


def errors() -> float:
    found = metrics.REGISTRY.get_sample_value("secondme_signal_errors_total")
    assert found is not None
    return found


async def tell_everything(signals: RedisSignals) -> None:
    """Every method that never raises."""
    now = datetime.now(UTC)
    assert await signals.wait(STREAM, GROUP, 0.05, ["1-1"]) in ((), [])
    await ring(signals, STREAM, [BELL])
    await publish(signals, [EVENT])
    await signals.mirror_pauses(now, {"c-1": None})
    await mirror_counters(signals, {"c-1": 1})
    await signals.cache_personas({"casual": "one"})
    await signals.drop_personas(["casual"])
    assert await signals.cached_personas(["casual"]) == [None]
    await signals.press(now)
    await signals.release(now)
    await signals.forget("c-1")
    await track(signals, [("c-1", "m-1", now)])


async def ask_everything(signals: RedisSignals) -> list[str]:
    """Every method that raises; returns what they said."""
    said = []
    for call in (
        signals.stop_pressed_at,
        signals.ping,
        lambda: signals.put_once("digest", timedelta(minutes=1)),
        lambda: signals.take_once("digest"),
    ):
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            await call()
        assert time.monotonic() - begun < 1
        said.append(str(refused.value))
    return said


async def test_a_dead_server_silences_the_mouth_and_nothing_else(
    own_redis: Any, signals: RedisSignals, caplog: pytest.LogCaptureFixture
) -> None:
    await signals.ping()
    own_redis.kill()
    before = errors()
    with caplog.at_level(logging.WARNING):
        await tell_everything(signals)
    assert errors() >= before + 12
    for said in await ask_everything(signals):
        assert f"Redis at 127.0.0.1:{own_redis.port} does not answer" in said
        assert "REDIS_URL" in said
    assert CANARY not in caplog.text
    assert "signals.failed" in caplog.text


async def test_a_hung_server_is_given_up_within_a_second(own_redis: Any, signals: RedisSignals) -> None:
    await signals.ping()
    own_redis.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for error in await asyncio.gather(
            signals.stop_pressed_at(),
            signals.ping(),
            signals.take_once("x"),
            return_exceptions=True,
        ):
            assert isinstance(error, StoreUnavailable)
        assert time.monotonic() - begun < 1
        await ring(signals, STREAM, [BELL])
        assert await signals.wait(STREAM, GROUP, 0.05) == ()
        assert time.monotonic() - begun < 4
    finally:
        own_redis.signal(signal.SIGCONT)
    # No answer of before may be taken for one of now.
    assert await signals.stop_pressed_at() is None
    assert not await signals.take_once("digest")


async def test_after_a_restart_everything_works_again(own_redis: Any, signals: RedisSignals) -> None:
    await ring(signals, STREAM, [BELL])
    assert len(await signals.wait(STREAM, GROUP, 1)) == 1
    own_redis.kill()
    await ring(signals, STREAM, [BELL])
    own_redis.start()
    await ring(signals, STREAM, [BELL])
    assert len(await signals.wait(STREAM, GROUP, 1)) == 1
    now = datetime.now(UTC)
    await signals.press(now - timedelta(seconds=1))
    assert await signals.stop_pressed_at() is not None
    await signals.release(now)
    assert await signals.stop_pressed_at() is None


async def test_who_waits_survives_the_restart(own_redis: Any, signals: RedisSignals) -> None:
    async def heard() -> int:
        while not (bells := await signals.wait(STREAM, GROUP, 5)):
            pass
        return len(bells)

    waiting = asyncio.create_task(heard())
    await asyncio.sleep(0.1)
    own_redis.kill()
    await asyncio.sleep(0.1)
    own_redis.start()
    await ring(signals, STREAM, [BELL])
    async with asyncio.timeout(5):
        assert await waiting == 1


async def test_waiting_without_a_server_does_not_spin(own_redis: Any, signals: RedisSignals) -> None:
    own_redis.kill()
    begun, rounds = time.monotonic(), 0
    while time.monotonic() - begun < 1.2:
        assert await signals.wait(STREAM, GROUP, 5) == ()
        rounds += 1
    assert 2 <= rounds <= 4


async def test_a_dashboard_reconnects_and_is_told(own_redis: Any, signals: RedisSignals) -> None:
    async with aclosing(signals.subscribe()) as events:  # type: ignore[type-var]
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        own_redis.kill()
        await asyncio.sleep(0.2)
        own_redis.start()
        async with asyncio.timeout(5):
            assert await first == {"event": "resync"}
            await publish(signals, [EVENT])
            assert (await anext(events))["action"] == "pause"


async def test_a_dashboard_that_began_without_redis_is_told(own_redis: Any, signals: RedisSignals) -> None:
    own_redis.kill()
    async with aclosing(signals.subscribe()) as events:  # type: ignore[type-var]
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.2)
        own_redis.start()
        async with asyncio.timeout(5):
            assert await first == {"event": "resync"}


async def test_a_wrong_password_is_said_and_not_shown(own_redis: Any) -> None:
    signals = RedisSignals(f"redis://:{CANARY}@127.0.0.1:{own_redis.port}/0")
    for said in await ask_everything(signals):
        assert "refuses the password. Correct it in REDIS_URL." in said
        assert CANARY not in said
    await signals.close()


async def test_a_full_server_still_says_whether_it_was_stopped(own_redis: Any, signals: RedisSignals) -> None:
    now = datetime.now(UTC)
    await signals.press(now)
    async with Redis.from_url(own_redis.url) as client:
        await client.config_set("maxmemory", "1")
        assert await signals.stop_pressed_at() is not None
        with pytest.raises(StoreUnavailable, match="OutOfMemory"):
            await signals.put_once("digest", timedelta(minutes=1))


@pytest.mark.parametrize("url", ["", "localhost", "http://localhost", f"redis://:{CANARY}@host:port/0"])
def test_an_unreadable_url_is_a_setting_to_correct(url: str) -> None:
    with pytest.raises(ConfigError, match="REDIS_URL") as refused:
        RedisSignals(url)
    assert CANARY not in str(refused.value)


async def test_a_busy_pool_waits_instead_of_failing(own_redis: Any) -> None:
    signals = RedisSignals(own_redis.url, connections=4)
    before = errors()
    await asyncio.gather(*(mirror_counters(signals, {f"c-{number}": 1}) for number in range(500)))
    assert errors() == before
    await signals.close()
