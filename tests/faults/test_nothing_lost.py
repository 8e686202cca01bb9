"""Nothing lost, nothing twice, nothing out of order, whatever dies and whenever."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from tests.faults.children import SOURCE
from tests.faults.instance import Instance
from tests.faults.series import FAILPOINTS, GATEWAY, ORCHESTRATOR, OURS, Death, Plan, mixed, run
from tests.faults.variants import SHORT_LEASE, variant
from tests.stubs.meta_driver import Meta

TOLD = {  # of a message that was answered, by the logs of those who had to do with it
    "gateway": {"message.received", "delivery.settled", "delivery.status"},
    "orchestrator": {"turn.committed"},
    "audit": {"message.received", "delivery.sent", "message.settled"},
}
NETWORKS = ("simulator", "meta")
SEED = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()


async def _holds(folder: Path, plan: Plan, network: str, source: Path = SOURCE) -> None:
    async with Instance.open(folder, source=source, network=network) as instance:
        result = await run(instance, plan)
        print(json.dumps(result.figures))
        assert result.breaches == []
        assert result.figures["replied"] >= plan.least
        assert sorted(result.figures["failpoints"]) == sorted(FAILPOINTS)
        if network == "meta":
            await _one_id_through_all_processes(instance)


async def _one_id_through_all_processes(instance: Instance) -> None:
    """One more message, now that nobody dies: our id of it is in every log that tells of it, and in the audit log."""
    async with Meta(instance.network) as meta:
        await meta.control(statuses=["sent", "delivered"])
        await meta.says("and where does this one go?", "15550109999")
    id_ = str(await instance.value("SELECT id FROM messages ORDER BY seq DESC LIMIT 1"))
    await instance.until(f"SELECT outcome = 'replied' FROM messages WHERE id = '{id_}'", 60)
    logs, deadline = instance.folder / "data" / "logs", time.monotonic() + 10
    while (found := _told_of(logs, id_)) != TOLD:
        assert time.monotonic() < deadline, f"{id_} is found in {found}"
        await asyncio.sleep(0.1)


def _told_of(logs: Path, id_: str) -> dict[str, set[str]]:
    """The events of one message, by who wrote them; the audit log is all services' own."""
    found: dict[str, set[str]] = {}
    for file in logs.glob("*.jsonl"):
        whole, _, _ = file.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines() if id_ in line]  # others may be torn
        key = "messageId" if file.name.startswith("audit-") else "trace"
        if events := {str(line["event"]) for line in lines if line.get(key) == id_}:
            found.setdefault(file.name.partition("-")[0].removesuffix(".jsonl"), set()).update(events)
    return found


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.timeout(180)
async def test_in_short(folder: Path, network: str) -> None:
    """Each failpoint, each of our services and each store once; with a lease that does not outlast patience.

    Ten deaths among 400 messages weigh more than thirty among 2,000: each may leave one uncertain for each of 8 people.
    """
    deaths = (GATEWAY, ORCHESTRATOR, Death("postgres"), Death("redis"))
    plan = Plan(people=8, each=50, deaths=deaths, least=0.8, seed=SEED)
    await _holds(folder, plan, network, variant(folder, SHORT_LEASE))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("store", ["ours", "postgres", "redis"])
@pytest.mark.timeout(600)
async def test_two_thousand_messages(folder: Path, long: bool, store: str, network: str) -> None:
    """From fifty people, while processes are killed thirty times and at each failpoint."""
    if not long:
        pytest.skip("takes minutes: make faults")
    victims = OURS if store == "ours" else (*OURS, store)
    plan = Plan(people=50, each=40, deaths=mixed(30, victims, SEED), seed=SEED)
    await _holds(folder, plan, network)
