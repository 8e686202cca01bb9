"""A series: people write, things die at random moments and at every failpoint, and in the end all must add up."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.faults.audit import Audit, audit
from tests.faults.instance import Instance

OURS = ("gateway", "orchestrator")


@dataclass(frozen=True)
class Death:
    """A SIGKILL at a random moment; then, for each failpoint, a start that ends there."""

    victim: str
    failpoints: Sequence[str] = ()


GATEWAY = Death("gateway", ("inbox.committed", "outbox.intent", "outbox.sending", "outbox.sent"))
ORCHESTRATOR = Death("orchestrator", ("turns.claimed", "compose.done"))
FAILPOINTS = (*GATEWAY.failpoints, *ORCHESTRATOR.failpoints)


@dataclass(frozen=True)
class Plan:
    """What a series does. Each death gets its share of the messages."""

    people: int
    each: int  # messages from each person
    deaths: Sequence[Death]
    flush: bool = True  # FLUSHALL in mid-run
    least: float = 0.95  # of the messages that must be answered, not left uncertain
    settle: float = 120.0  # seconds until all must be quiet after the last death
    seed: str = ""


def mixed(kills: int, victims: Sequence[str], seed: str) -> list[Death]:
    """So many kills of the victims in turn, each failpoint once, all in random order."""
    deaths = [Death(victim) for victim, _ in zip(cycle(victims), range(kills), strict=False)]
    pairs = [(d.victim, name) for d in (GATEWAY, ORCHESTRATOR) for name in d.failpoints]
    for victim, name in pairs:
        deaths[deaths.index(Death(victim))] = Death(victim, (name,))
    Random(seed).shuffle(deaths)
    return deaths


async def run(instance: Instance, plan: Plan) -> Audit:
    """Play the series and audit it. Figures tell how many died where, and how long it took to be quiet."""
    began, chance = time.monotonic(), Random(plan.seed)
    await instance.control(people=plan.people, think=0.2, statuses=True)
    shares = _shares(plan)
    for number, death in enumerate(plan.deaths, start=1):
        await instance.control(quota=next(shares))
        await asyncio.sleep(chance.uniform(0.02, 0.6))
        if death.victim in instance.services:
            await _kill_service(instance, death, shares, chance)
        else:
            instance.kill_store(death.victim)
            await asyncio.sleep(0.3)
            await instance.stores.revive()
        await restore(instance)
        if plan.flush and number == len(plan.deaths) // 2:
            await instance.flush_redis()
    await instance.control(quota=plan.each)
    quiet = await instance.quiet(plan.people * plan.each, plan.settle)
    result = await audit(instance)
    result.figures |= {
        "seed": plan.seed,
        "killed": dict(Counter(death.victim for death in plan.deaths)),
        "failpoints": sorted(name for death in plan.deaths for name in death.failpoints),
        "seconds": round(time.monotonic() - began, 1),
        "seconds to be quiet": round(quiet, 1),
    }
    return result


def _shares(plan: Plan) -> Iterator[int]:
    """How many messages each person may have sent: a share more before each kill and for each failpoint."""
    steps = sum(1 + len(death.failpoints) for death in plan.deaths) + 1
    return iter([plan.each * step // steps for step in range(1, steps + 1)])


async def _kill_service(instance: Instance, death: Death, shares: Iterator[int], chance: Random) -> None:
    """SIGKILL, then each failpoint, which must fire in the midst of work."""
    service = instance.services[death.victim]
    service.kill()
    for failpoint in death.failpoints:
        await instance.control(quota=next(shares))
        # Few claims take many conversations: a third one may never come.
        passage = 1 if failpoint == "turns.claimed" else chance.randint(1, 3)
        service.start(f"{failpoint}:{passage}")
        await service.dies_of(failpoint, 90)


async def restore(instance: Instance) -> None:
    """Start every service that does not run, and wait until all listen."""
    for service in instance.services.values():
        if not service.running:
            service.reap()
            service.start()
    for service in instance.services.values():
        await service.listens()


async def frozen(instance: Instance, people: int, each: int, times: int, seconds: float, seed: str) -> Audit:
    """One worker after the other is frozen in the midst of its work, for longer than its lease, and goes on."""
    chance = Random(seed)
    workers = [service for service in instance.services.values() if service.name == "orchestrator"]
    await instance.control(people=people, think=0.2, statuses=True)
    for number in range(1, times + 1):
        await instance.control(quota=each * number // (times + 1))
        await asyncio.sleep(chance.uniform(0.05, 0.3))
        worker = workers[number % len(workers)]
        worker.stop()
        await asyncio.sleep(seconds)
        worker.go_on()
    await instance.control(quota=each)
    await instance.quiet(people * each, 120)
    return await audit(instance)
