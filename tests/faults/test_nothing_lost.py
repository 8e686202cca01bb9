"""Nothing lost, nothing twice, nothing out of order, whatever dies and whenever."""

import json
import os
from pathlib import Path

import pytest

from tests.faults.children import SOURCE
from tests.faults.instance import Instance
from tests.faults.series import FAILPOINTS, GATEWAY, ORCHESTRATOR, OURS, Death, Plan, mixed, run
from tests.faults.variants import SHORT_LEASE, variant

NETWORKS = ("simulator", "meta")
SEED = os.environ.get("FAULTS_SEED") or os.urandom(4).hex()


async def _holds(folder: Path, plan: Plan, network: str, source: Path = SOURCE) -> None:
    async with Instance.open(folder, source=source, network=network) as instance:
        result = await run(instance, plan)
        print(json.dumps(result.figures))
        assert result.breaches == []
        assert result.figures["replied"] >= 0.95
        assert sorted(result.figures["failpoints"]) == sorted(FAILPOINTS)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.timeout(180)
async def test_in_short(folder: Path, network: str) -> None:
    """Each failpoint, each of our services and each store once; with a lease that does not outlast patience."""
    deaths = (GATEWAY, ORCHESTRATOR, Death("postgres"), Death("redis"))
    plan = Plan(people=8, each=50, deaths=deaths, seed=SEED)
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
