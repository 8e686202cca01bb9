"""The switch in Redis: no order of presses, releases and mirrors loses a press."""

import random
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from secondme.domain.errors import StoreUnavailable
from secondme.stores.signals import RedisSignals
from secondme.stores.signals.pauses import OPEN_END
from secondme.stores.signals.wire import to_ms, to_ms_up

SECOND = timedelta(seconds=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


async def test_a_press_is_read_back_and_released(
    signals: RedisSignals, redis_client: Redis, now: datetime
) -> None:
    assert await signals.stop_pressed_at() is None
    await signals.press(now)
    assert await redis_client.get("PAUSE:ALL") == str(to_ms(now))
    assert await redis_client.ttl("PAUSE:ALL") == -1
    assert await signals.stop_pressed_at() == now
    await signals.release(now + SECOND)
    assert await signals.stop_pressed_at() is None
    assert not await redis_client.exists("PAUSE:ALL")


async def test_a_resume_lifts_no_later_press(signals: RedisSignals, now: datetime) -> None:
    """Pressed, resumed, pressed again; the release of that resume arrives last."""
    await signals.press(now - 2 * SECOND)
    resumed = now - SECOND
    await signals.press(now)
    await signals.release(resumed)
    assert await signals.stop_pressed_at() == now


async def test_an_earlier_press_that_arrives_late_moves_nothing_back(
    signals: RedisSignals, now: datetime
) -> None:
    await signals.press(now)
    await signals.press(now - 2 * SECOND)
    await signals.release(now - SECOND)
    assert await signals.stop_pressed_at() == now


async def test_a_press_over_a_left_over_counts(signals: RedisSignals, now: datetime) -> None:
    """A release was lost: the old value stands. The next press must be newer than that resume."""
    await signals.press(now - 3 * SECOND)
    resumed = now - 2 * SECOND
    await signals.press(now)
    pressed = await signals.stop_pressed_at()
    assert pressed is not None
    assert pressed > resumed


async def test_within_one_millisecond_the_press_wins(signals: RedisSignals, now: datetime) -> None:
    resumed = now + timedelta(microseconds=500)
    await signals.press(now + timedelta(microseconds=900))
    await signals.release(resumed)
    pressed = await signals.stop_pressed_at()
    assert pressed is not None
    assert pressed > resumed


@pytest.mark.parametrize(
    "value", ["1", "yes", "", "1795167000", "1e13", "-5", "99999999999999999999", "0x1fffffffffff"]
)
async def test_a_value_without_a_moment_says_stop_now(
    signals: RedisSignals, redis_client: Redis, now: datetime, value: str
) -> None:
    await redis_client.set("PAUSE:ALL", value)
    await signals.release(now)
    pressed = await signals.stop_pressed_at()
    assert pressed is not None
    assert now <= pressed <= datetime.now(UTC) + SECOND
    assert await signals.stop_pressed_at() == pressed
    await signals.release(pressed + SECOND)
    assert await signals.stop_pressed_at() is None


async def test_a_key_of_another_type_is_unknown_and_so_silent(
    signals: RedisSignals, redis_client: Redis
) -> None:
    await redis_client.sadd("PAUSE:ALL", "x")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await signals.stop_pressed_at()


async def test_contact_pauses_are_mirrored_with_their_expiry(
    signals: RedisSignals, redis_client: Redis, now: datetime
) -> None:
    hour, open_ended, over = str(uuid4()), str(uuid4()), str(uuid4())
    until = datetime.now(UTC) + timedelta(hours=1)
    await signals.mirror_pauses(None, {hour: until, open_ended: None, over: now - SECOND})
    assert await redis_client.get(f"PAUSE:{hour}") == str(to_ms_up(until))
    assert 3_590_000 < await redis_client.pttl(f"PAUSE:{hour}") <= 3_600_000
    assert await redis_client.get(f"PAUSE:{open_ended}") == str(OPEN_END)
    assert int(time.time() * 1000) < OPEN_END
    assert await redis_client.ttl(f"PAUSE:{open_ended}") == -1
    assert not await redis_client.exists(f"PAUSE:{over}")


async def test_pauses_that_the_ledger_no_longer_has_go(signals: RedisSignals, redis_client: Redis) -> None:
    first, second, foreign = str(uuid4()), str(uuid4()), str(uuid4())
    until = datetime.now(UTC) + timedelta(hours=1)
    await redis_client.set(f"PAUSE:{foreign}", "1")
    await signals.mirror_pauses(None, {first: until, second: None})
    await signals.mirror_pauses(None, {second: until})
    assert not await redis_client.exists(f"PAUSE:{first}")
    assert await redis_client.get(f"PAUSE:{second}") == str(to_ms_up(until))
    assert await redis_client.pttl(f"PAUSE:{second}") > 0
    await signals.mirror_pauses(None, {})
    assert await redis_client.keys("PAUSE:*") == [f"PAUSE:{foreign}"]
    await redis_client.flushall()
    await signals.mirror_pauses(None, {first: None})
    assert await redis_client.keys("PAUSE:*") == [f"PAUSE:{first}"]


async def test_the_ledgers_switch_is_mirrored_and_lifted(signals: RedisSignals, now: datetime) -> None:
    await signals.mirror_pauses(now, {})
    assert await signals.stop_pressed_at() == now
    await signals.mirror_pauses(None, {})
    assert await signals.stop_pressed_at() is None


async def test_a_flush_is_repaired_by_the_next_mirror(
    signals: RedisSignals, redis_client: Redis, now: datetime
) -> None:
    await signals.mirror_pauses(now, {})
    await redis_client.flushall()
    await signals.mirror_pauses(now, {})
    assert await signals.stop_pressed_at() == now


async def test_mirroring_spares_a_press_that_the_ledger_has_not_adopted(
    signals: RedisSignals, now: datetime
) -> None:
    await signals.press(now)
    await signals.mirror_pauses(None, {})
    assert await signals.stop_pressed_at() == now
    await signals.mirror_pauses(now - SECOND, {})
    assert await signals.stop_pressed_at() == now
    await signals.mirror_pauses(None, {})
    assert await signals.stop_pressed_at() == now


async def test_no_order_of_acts_loses_a_press(
    signals: RedisSignals, redis_client: Redis, now: datetime
) -> None:
    """Releases arrive late or never, mirrors in between: the last press since the last resume is seen."""
    rng = random.Random(7)
    for _ in range(60):
        await redis_client.flushall()
        presses: list[datetime] = []
        resumed = now - timedelta(minutes=10)
        known: datetime | None = None  # the stop that the ledger knows of
        late = []
        for step in range(8):
            at = now - timedelta(minutes=9) + step * SECOND
            act = rng.choice(("press", "press and commit", "resume", "mirror", "arrive"))
            if act.startswith("press"):
                presses.append(at)
                await signals.press(at)
                known = known or (at if act.endswith("commit") else None)
            elif act == "resume":
                resumed, known = at, None
                late.append(at)
            elif act == "mirror":
                await signals.mirror_pauses(known, {})
            elif late:
                await signals.release(late.pop(rng.randrange(len(late))))
        unlifted = [press for press in presses if press > resumed]
        seen = await signals.stop_pressed_at()
        if unlifted:
            assert seen == unlifted[-1]
        else:
            assert seen is None or seen <= resumed
