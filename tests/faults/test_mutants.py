"""The fault tests can fail: each guard is taken out of a copy of the product, and must be missed."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.faults.audit import Audit
from tests.faults.instance import Instance
from tests.faults.series import Death, Plan, frozen, run
from tests.faults.switching import Presses
from tests.faults.variants import Changes, variant

SEED = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()

ONE_SECOND_LEASE: Changes = {
    "pipeline/turns.py": ("LEASE = timedelta(seconds=15)", "LEASE = timedelta(seconds=1)")
}
SLOW_MIND: Changes = {
    "pipeline/turns.py": (
        "        composed = await self._journey(turn)",
        "        composed = await self._journey(turn)\n        await asyncio.sleep(0.3)",
    )
}
NO_TOKEN: Changes = {
    "stores/ledger/migrations/versions/0004_fence.py": (
        "JOIN conversations c ON c.id = t.conversation AND c.lease_token = t.token",
        "JOIN conversations c ON c.id = t.conversation AND t.token IS NOT NULL",
    )
}
NO_UNIQUENESS: Changes = {
    "stores/ledger/migrations/versions/0001_first_light.py": (
        'sa.PrimaryKeyConstraint("message_id", "part"),',
        "",
    )
}
NO_LOOK: Changes = {
    "stores/ledger/migrations/versions/0004_fence.py": (
        "WHERE m.id = l.message AND l.turn = ANY(held) AND m.outcome IS NULL AND m.turn_id IS NULL;",
        "WHERE m.id = l.message AND l.turn = ANY(held);",
    )
}
ANSWER_BEFORE_COMMIT: Changes = {
    "pipeline/inbox.py": (
        "return await waiting.done",
        "return [Accepted(None, new=True) for _ in items]",
    )
}
# Between a fence's look at the pauses and its commit, and from there to the first byte, lies less than a
# millisecond on an idle machine; here a press is bound to fall in between.
SLOW_FENCE: Changes = {
    "stores/ledger/migrations/versions/0006_orders.py": (
        "x.seq > d.seq AND x.status = 'planned');",
        "x.seq > d.seq AND x.status = 'planned');\n  PERFORM pg_sleep(0.2);",
    )
}
SLOW_SEND: Changes = {
    "pipeline/outbox.py": (
        "        return await _attempt(channel, flight, write_before)",
        "        await asyncio.sleep(0.3)\n        return await _attempt(channel, flight, write_before)",
    )
}
NO_LOCK: Changes = {
    "stores/ledger/pauses.py": (
        'await tx.execute("SELECT pg_advisory_xact_lock($1, 0)", SWITCH_LOCK)',
        'await tx.execute("SELECT $1::int", SWITCH_LOCK)',
    )
}


@pytest.fixture(autouse=True)
def _only(long: bool) -> None:
    if not long:
        pytest.skip("takes minutes: make faults")


async def _freeze(folder: Path, *changes: Changes) -> Audit:
    """Two workers whose minds take 0.3 s, leases of one second, freezes of two and a half."""
    source = variant(folder, ONE_SECOND_LEASE, SLOW_MIND, *changes)
    async with Instance.open(folder, source=source, orchestrators=2) as instance:
        return await frozen(instance, people=30, each=12, times=7, seconds=2.5, seed=SEED)


async def _lose_postgres(folder: Path, *changes: Changes) -> Audit:
    """Postgres and the gateway are killed while people write."""
    deaths = [Death(victim) for victim in ("postgres", "gateway") * 4]
    async with Instance.open(folder, source=variant(folder, *changes)) as instance:
        return await run(instance, Plan(people=20, each=20, deaths=deaths, seed=SEED))


async def _press(folder: Path, *changes: Changes) -> list[str]:
    """Presses while fences are slow and Redis, the second guard, forgets; returns what came late.

    Few people, so that a press falls into one fence and is not held up by another delivery.
    """
    source = variant(folder, SLOW_FENCE, SLOW_SEND, *changes)
    async with Instance.open(folder, source=source) as instance, Presses.at(instance, SEED) as at:
        await instance.control(people=3, quota=1_000_000, think=0.5, statuses=True)
        while at.pressed < 25 and not at.late:
            await at.load()
            async with instance.forgetful_redis():
                press = await at.press()
                await asyncio.sleep(0.6)
            await at.resume(press)
        return at.late


@pytest.mark.timeout(300)
async def test_without_the_token(folder: Path) -> None:
    """A worker that has lost its lease commits all the same; the ledger refuses, and that is noticed."""
    healthy = await _freeze(folder / "healthy")
    assert healthy.breaches == []
    mutant = await _freeze(folder / "mutant", NO_TOKEN)
    print(mutant.breaches)
    assert any("second answers refused" in breach for breach in mutant.breaches)


@pytest.mark.timeout(300)
async def test_without_anything_that_refuses(folder: Path) -> None:
    """Without the token, the uniqueness and the look at what is answered, people are answered twice."""
    mutant = await _freeze(folder / "mutant", NO_TOKEN, NO_UNIQUENESS, NO_LOOK)
    print(mutant.breaches)
    assert any("answered twice" in breach for breach in mutant.breaches)


@pytest.mark.timeout(300)
async def test_with_an_answer_before_the_commit(folder: Path) -> None:
    healthy = await _lose_postgres(folder / "healthy")
    assert healthy.breaches == []
    mutant = await _lose_postgres(folder / "mutant", ANSWER_BEFORE_COMMIT)
    print(mutant.breaches)
    assert any("accepted messages lost" in breach for breach in mutant.breaches)


@pytest.mark.timeout(300)
async def test_without_the_lock(folder: Path) -> None:
    """A press that does not wait for running fences returns too early."""
    assert await _press(folder / "healthy") == []
    late = await _press(folder / "mutant", NO_LOCK)
    assert late != []
