"""Every channel adapter, and the worst network that its bytes may meet."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from secondme.channels.simulator import SimulatorChannel
from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
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
        own = ("callback", "biz_opaque_callback_data")
        return [r for r in self.ask("/log") if str(delivery) in ((r["body"] or {}).get(name) for name in own)]

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


def simulator(base: str) -> Channel:
    return SimulatorChannel(base)


def meta(base: str) -> Channel:
    return WhatsAppCloudChannel(Number("main", "106540352242922", "token", "verify", "secret", base))


OVER_HTTP = {"simulator": simulator, "meta": meta}  # a new channel is a new name here


@asynccontextmanager
async def maker(network: Network, adapter: Make) -> AsyncIterator[Make]:
    made: list[Channel] = []

    def build(behaviour: str) -> Channel:
        made.append(adapter(behaviour if behaviour.startswith("http") else f"{network.base}/{behaviour}"))
        return made[-1]

    yield build
    for channel in made:
        await channel.close()


@pytest_asyncio.fixture(params=OVER_HTTP)
async def make(request: pytest.FixtureRequest, network: Network) -> AsyncIterator[Make]:
    """Makes each adapter that sends over HTTP, pointed at a behaviour of the network."""
    async with maker(network, OVER_HTTP[request.param]) as build:
        yield build


@pytest_asyncio.fixture(params=["on this machine", *OVER_HTTP])
async def channel(request: pytest.FixtureRequest, network: Network) -> AsyncIterator[Channel]:
    """Each adapter in turn, on a network that is well."""
    if request.param == "on this machine":
        yield SimulatorChannel()
        return
    async with maker(network, OVER_HTTP[request.param]) as build:
        yield build("ok")


def outgoing(kind: DeliveryKind = DeliveryKind.TEXT, text: str = "hi", quotes: str | None = None) -> Outgoing:
    return Outgoing(uuid4(), "main", "+15550100", kind, text if kind is DeliveryKind.TEXT else "", quotes)


def soon(seconds: float = 1.0) -> float:
    """A moment to have written everything by."""
    return time.monotonic() + seconds
