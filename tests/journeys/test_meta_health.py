"""`/health` and `/metrics` of a running gateway on Meta's API: they say how Meta is, and ask nobody for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from secondme import services
from secondme.domain.breaker import FAILURES, REST
from secondme.embedded import Addresses
from tests.llm.asking import HandClock
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import TOKEN
from tests.web.conftest import Desk, opened, turned

BREAKER = "whatsapp_cloud main"


@pytest.fixture
def looks_every() -> float:
    """Seconds."""
    return 0.2


@pytest_asyncio.fixture
async def desk(
    addresses: Addresses,
    template: str,
    tmp_path: Path,
    meta: Meta,
    looks_every: float,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    """The services, which look at their channels that often."""
    monkeypatch.setattr(services, "_LOOKS_EVERY", looks_every)
    wanted: dict[str, Any] = {
        name.lower(): value for name, value in meta.settings().items() if name.startswith("WHATSAPP")
    }
    wanted |= {"channel": "whatsapp_cloud", "profile": "journal", "models": "offline"}
    async with opened(addresses, template, tmp_path, **wanted) as found:
        await meta.control(gateway=found.gateway)
        yield found


async def health(desk: Desk) -> dict[str, Any]:
    async with desk.session.get(f"{desk.gateway}/health") as answer:
        assert answer.status == 200, "whatever Meta does, the gateway hears"
        return dict(await answer.json())


async def metric(desk: Desk, name: str, **labels: str) -> float:
    async with desk.session.get(f"{desk.gateway}/metrics") as answer:
        families = list(text_string_to_metric_families(await answer.text()))
    (value,) = [s.value for f in families for s in f.samples if s.name == name and s.labels == labels]
    return value


def says(desk: Desk, **wanted: Any) -> Callable[[], Awaitable[bool]]:
    """Whether its health says so by now."""

    async def holds() -> bool:
        found = await health(desk)
        return {name: found[name] for name in wanted} == wanted

    return holds


async def test_it_says_how_the_channel_was_when_last_looked_at(desk: Desk, meta: Meta) -> None:
    await turned(says(desk, channels={"main": "ok"}, status="ok"))
    assert await metric(desk, "whatsapp_connected", account="main") == 1
    await meta.control(token="another")
    await turned(says(desk, channels={"main": "refused (190)"}, status="degraded"))
    assert await metric(desk, "whatsapp_connected", account="main") == 0
    await meta.control(token=TOKEN)
    await turned(says(desk, channels={"main": "ok"}, status="ok"))


@pytest.mark.parametrize("looks_every", [600.0])
async def test_nobody_is_asked_because_somebody_asks_it(desk: Desk, meta: Meta) -> None:
    await turned(says(desk, channels={"main": "ok"}))
    await meta.control(token="another")
    for _ in range(10):
        assert (await health(desk))["channels"] == {"main": "ok"}, "as when last looked at"


async def test_its_breaker_is_seen_to_open_and_to_close(desk: Desk, meta: Meta) -> None:
    await turned(says(desk, breakers={BREAKER: "closed", "memory": "closed"}, status="ok"))
    (gate,) = (gate for gate in desk.app.gates if gate.service == BREAKER)
    gate.clock = clock = HandClock()
    await meta.control(faults=[{"fault": "500", "times": FAILURES}])
    for number in range(FAILURES):
        assert await metric(desk, "secondme_breaker_open", service=BREAKER) == 0
        await meta.says("hello", f"1555010000{number}")
        await meta.until(lambda lines, so_far=number + 1: _texts(lines) == so_far)  # type: ignore[misc]
    await turned(says(desk, breakers={BREAKER: "open", "memory": "closed"}, status="degraded"))
    assert await metric(desk, "secondme_breaker_open", service=BREAKER) == 1
    clock.seconds += REST
    assert (await health(desk))["breakers"] == {BREAKER: "half-open", "memory": "closed"}
    assert await metric(desk, "secondme_breaker_open", service=BREAKER) == 0.5
    await meta.says("and now?", "15550100009")
    await meta.until(lambda lines: _texts(lines) == FAILURES + 1)
    await turned(says(desk, breakers={BREAKER: "closed", "memory": "closed"}, status="ok"))
    assert await metric(desk, "secondme_breaker_open", service=BREAKER) == 0
    assert await meta.texts() == ["Noted."]


def _texts(lines: list[dict[str, Any]]) -> int:
    return sum(line["body"]["type"] == "text" for line in lines)
