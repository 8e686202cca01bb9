"""After the switch returns no byte leaves until a resume, but of the deliveries that it named."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.audit import audit
from tests.faults.instance import Instance
from tests.faults.series import restore
from tests.faults.switching import Presses

SEED = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()
PROXIES = ("services", "owner")
NETWORKS = ("simulator", "meta")
STOPPED = "SELECT EXISTS (SELECT 1 FROM pauses WHERE user_id IS NULL AND lifted_at IS NULL)"


@asynccontextmanager
async def _under_load(
    folder: Path, people: int = 40, network: str = "simulator", **settings: str
) -> AsyncIterator[Presses]:
    """People who write all the time, and somebody at the switch; in the end everything must add up."""
    async with Instance.open(folder, more=settings, proxied=PROXIES, network=network) as instance:
        async with Presses.at(instance, SEED, "owner") as at:
            await instance.control(people=people, quota=1_000_000, think=1.0, statuses=True)
            yield at
            enough, spare = at.pressed * 0.7, at.pressed
            while at.under_load < enough and spare:  # a busy machine thins the load: press until it was met
                await plain(at, 1, 0)
                spare -= 1
        await instance.control(quota=0, delay=0)
        await instance.quiet(0, 60)
        result = await audit(instance)
        print(json.dumps({"seed": SEED, **at.figures(), **result.figures}))
        assert at.late == []
        assert result.breaches == []
        assert at.under_load >= enough, "the load was too thin to show anything"


async def plain(at: Presses, presses: int, delay: float, longer: float = 0.5) -> None:
    """The network answers after `delay` seconds; a press comes at most `longer` after the first byte."""
    await at.instance.control(delay=delay)
    for _ in range(presses):
        await at.load(longer)
        press = await at.press()
        assert press["committed"]
        await asyncio.sleep(0.4)
        await at.resume(press)
    await at.instance.control(delay=0)


async def stopped_sender(at: Presses, presses: int) -> None:
    """The gateway is frozen while the switch is pressed, and goes on afterwards as if nothing had been."""
    await at.instance.control(delay=0.05)
    gateway = at.instance.services["gateway"]
    for _ in range(presses):
        await at.load()
        gateway.stop()
        try:
            press = await at.press()
        finally:
            gateway.go_on()
        assert press["committed"]
        await asyncio.sleep(1.5)
        await at.resume(press)
    await at.instance.control(delay=0)


async def postgres_cut(at: Presses, presses: int, *, silently: bool = False) -> None:
    """Nobody reaches Postgres: the press is held, and committed before anything is sent again."""
    for _ in range(presses):
        await at.load()
        for proxy in at.instance.proxies.values():
            await (proxy.silence() if silently else proxy.cut())
        press = await at.press()
        assert not press["committed"]
        await asyncio.sleep(0.3)
        for proxy in at.instance.proxies.values():
            await proxy.heal()
        await at.instance.until(STOPPED, 30)
        await asyncio.sleep(0.7)
        await at.resume(press)


async def hung_fence(at: Presses, presses: int) -> None:
    """Whoever presses does not reach Postgres; what the gateway had asked of it is answered only afterwards."""
    services, owner = (at.instance.proxies[name] for name in ("services", "owner"))
    for _ in range(presses):
        await at.load()
        await services.silence()
        await owner.cut()
        press = await at.press()
        assert not press["committed"]
        await services.heal()
        await at.instance.until(STOPPED, 30)
        await asyncio.sleep(0.7)
        await owner.heal()
        await at.resume(press)


async def redis_gone(at: Presses, presses: int) -> None:
    """Without Redis the ledger stops everything, and what Redis forgot is not needed."""
    for _ in range(presses):
        await at.load()
        at.instance.kill_store("redis")
        press = await at.press()
        assert press["committed"]
        await at.instance.stores.revive()
        await restore(at.instance)
        await asyncio.sleep(1.0)
        await at.resume(press)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.timeout(180)
async def test_in_short(folder: Path, network: str) -> None:
    async with _under_load(folder, 20, network) as at:
        await plain(at, 4, 0)
        await plain(at, 3, 0.2)
        await plain(at, 1, 5)
        await stopped_sender(at, 1)
        await postgres_cut(at, 1)
        await hung_fence(at, 1)
        await redis_gone(at, 1)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.timeout(600)
async def test_two_hundred_presses(folder: Path, long: bool, network: str) -> None:
    _only(long)
    async with _under_load(folder, network=network) as at:
        await plain(at, 90, 0)
        await plain(at, 80, 0.2)
        await plain(at, 30, 5)


@pytest.mark.timeout(600)
async def test_presses_while_we_read_and_type(folder: Path, long: bool) -> None:
    """With human pacing: ticks and typing are bytes too (on Meta's wire they name no delivery)."""
    _only(long)
    async with _under_load(folder, SECONDME_PACING="human") as at:
        await plain(at, 45, 0, longer=3)
        await plain(at, 15, 0.2, longer=3)
        await stopped_sender(at, 5)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.timeout(600)
async def test_presses_while_things_hang(folder: Path, long: bool, network: str) -> None:
    _only(long)
    async with _under_load(folder, network=network) as at:
        await stopped_sender(at, 15)
        await postgres_cut(at, 8)
        await postgres_cut(at, 2, silently=True)
        await hung_fence(at, 12)
        await redis_gone(at, 8)


def _only(long: bool) -> None:
    if not long:
        pytest.skip("takes minutes: make faults")
