"""`/health` and `/metrics` of running services whose models fail: each model has a breaker, and the embeddings too."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from secondme.domain.breaker import FAILURES, REST
from secondme.domain.errors import MindFailed
from secondme.embedded import Addresses
from secondme.llm.guarded import GuardedEmbedder
from tests.llm.asking import HandClock, switched
from tests.web.conftest import Desk, opened, turned

CHAT, VECTORS = "openai:switch", "embeddings openai:switch"


async def seen(desk: Desk) -> tuple[int, str, dict[str, str], dict[str, float]]:
    """The orchestrator's HTTP status, its own, the breakers there, and the breakers of its metrics."""
    base = f"http://127.0.0.1:{desk.app.settings.orchestrator_port}"
    async with desk.session.get(f"{base}/health") as answer:
        status, found = answer.status, await answer.json()
    async with desk.session.get(f"{base}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    shown = {
        sample.labels["service"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "secondme_breaker_open" and sample.labels["service"] in found["breakers"]
    }
    return status, found["status"], found["breakers"], shown


@pytest.mark.timeout(120)
async def test_the_breakers_of_models_and_embeddings_are_seen(
    openai_stub: str, addresses: Addresses, template: str, tmp_path: Path
) -> None:
    wanted: dict[str, Any] = {"openai_api_key": "sk-1", "openai_base_url": openai_stub, "profile": "journal"}
    wanted |= {"models": "openai:switch", "embeddings": "openai:switch"}
    await switched(openai_stub, "status-500")
    async with opened(addresses, template, tmp_path, **wanted) as desk:
        assert await seen(desk) == (
            200,
            "ok",
            {CHAT: "closed", VECTORS: "closed", "memory": "closed"},
            {CHAT: 0.0, VECTORS: 0.0, "memory": 0.0},
        )
        clock = HandClock()
        for gate in desk.app.minds.gates:
            gate.clock = clock
        for number in range(FAILURES):
            await desk.says("hello", f"+1555010{number}")
        await turned(lambda: shows(desk, CHAT, "open"))
        async with desk.session.get(
            f"http://127.0.0.1:{desk.app.settings.orchestrator_port}/health"
        ) as answer:
            assert (await answer.json())["minds"] == {CHAT: f"{CHAT} answered 500. Try again later."}
        embedder = desk.app.minds.embedder
        assert isinstance(embedder, GuardedEmbedder)
        for _ in range(FAILURES):
            with pytest.raises(MindFailed):
                await embedder.embed(["x"])
        assert await seen(desk) == (
            200,
            "degraded",
            {CHAT: "open", VECTORS: "open", "memory": "closed"},
            {CHAT: 1.0, VECTORS: 1.0, "memory": 0.0},
        )
        await switched(openai_stub, "embed")
        clock.seconds += REST
        await embedder.embed(["x"])
        await turned(
            lambda: shows(desk, CHAT, "closed")
        )  # what waits is asked again, and one of them is the probe
        assert await seen(desk) == (
            200,
            "ok",
            {CHAT: "closed", VECTORS: "closed", "memory": "closed"},
            {CHAT: 0.0, VECTORS: 0.0, "memory": 0.0},
        )
    await switched(openai_stub, "ok")


async def shows(desk: Desk, breaker: str, state: str) -> bool:
    return (await seen(desk))[2][breaker] == state
