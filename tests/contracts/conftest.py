"""Every channel adapter, and the worst network that its bytes may meet."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from secondme.channels.simulator import SimulatorChannel
from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.ports import Channel


@dataclass(frozen=True)
class Network:
    """The stub process."""

    base: str
    deaf: str  # the base whose server reads only when it may

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.base}{path}", timeout=5) as answer:
            return json.load(answer)

    def requests(self, delivery: UUID) -> list[dict[str, Any]]:
        """What arrived of one delivery."""
        return [r for r in self.ask("/log") if (r["body"] or {}).get("callback") == str(delivery)]

    def count(self) -> int:
        """How many requests arrived in all, broken off ones too."""
        return len(self.ask("/log"))


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """The network, for as long as the tests run."""
    program = Path(__file__).with_name("network.py")
    process = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ports = process.stdout.readline().split()
    yield Network(*(f"http://127.0.0.1:{port}" for port in ports))
    process.kill()
    process.wait()
    process.stdout.close()


Make = Callable[[str], Channel]


@pytest_asyncio.fixture
async def make(network: Network) -> AsyncIterator[Make]:
    """Makes the adapter that sends over HTTP, pointed at a behaviour of the network."""
    made: list[Channel] = []

    def build(behaviour: str) -> Channel:
        base = behaviour if behaviour.startswith("http") else f"{network.base}/{behaviour}"
        made.append(SimulatorChannel(base))
        return made[-1]

    yield build
    for channel in made:
        await channel.close()


@pytest_asyncio.fixture(params=["on this machine", "over HTTP"])
async def channel(request: pytest.FixtureRequest, make: Make) -> Channel:
    """Each adapter in turn. A new channel is a new name here."""
    return make("ok") if request.param == "over HTTP" else SimulatorChannel()


def outgoing(kind: DeliveryKind = DeliveryKind.TEXT, text: str = "hi", quotes: str | None = None) -> Outgoing:
    return Outgoing(uuid4(), "main", "+15550100", kind, text if kind is DeliveryKind.TEXT else "", quotes)


def soon(seconds: float = 1.0) -> float:
    """A moment to have written everything by."""
    return time.monotonic() + seconds
