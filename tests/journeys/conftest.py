"""A world whose account is on Meta's API: its gateway listens, its outbox sends to the stub, its clock may stand still.

Everything is real but Meta, the people and the mind.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
import pytest_asyncio

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
from secondme.domain.profile import Profile
from secondme.domain.turn import Draft, Part, Turn
from secondme.embedded import Addresses
from secondme.ports import Mind
from secondme.profiles import PROFILES
from secondme.web.gateway import create_gateway
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.processes import meta_network
from tests.support.serving import serving
from tests.support.world import EchoMind, MovableClock, World


class StandingClock(MovableClock):
    """A clock that only a test moves."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = datetime.now(UTC)

    def now(self) -> datetime:
        return self._begun + self.offset


class WaitingMind(EchoMind):
    """A mind that answers when it may: `thinking` is set while it is asked, and `may` lets it answer.

    Where `words` are set it says them, to the last message, instead of its echo; where `instead` is, that is asked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.thinking, self.may = asyncio.Event(), asyncio.Event()
        self.may.set()
        self.words: str | None = None
        self.instead: Mind | None = None

    async def complete(self, turn: Turn) -> Draft:
        self.thinking.set()
        await self.may.wait()
        echo = await super().complete(turn)
        if self.instead is not None:
            return await self.instead.complete(turn)
        return echo if self.words is None else Draft((Part(self.words, turn.messages[-1].id),), self.name)

    def hold(self) -> None:
        """Think, from now on, until `may` is set."""
        self.thinking.clear()
        self.may.clear()

    async def at_work(self) -> None:
        async with asyncio.timeout(8):
            await self.thinking.wait()


@dataclass
class Journey:
    """The world, Meta, and the base URL of the gateway between them."""

    world: World
    meta: Meta
    mind: WaitingMind
    gateway: str
    channel: WhatsAppCloudChannel

    async def settled(self, seconds: float = 8.0) -> None:
        await self.world.settled(seconds)

    async def receipts(self) -> list[tuple[str | None, str | None]]:
        return await self.world.receipts()

    async def contexts(self) -> dict[str, str | None]:
        """What each text that was taken quotes on the wire."""
        sends = [line for line in await self.meta.sends() if line["taken"]]
        return {line["body"]["text"]: line["meta"].get("context", {}).get("message_id") for line in sends}

    async def quiet(self, seconds: float = 0.7) -> None:
        """Give what must not happen the time to happen."""
        await asyncio.sleep(seconds)

    async def tried(self, times: int, kind: str = "text") -> list[dict[str, Any]]:
        """Wait until so many requests have come, refused ones too."""
        await self.meta.until(lambda lines: sum(_is(line, kind) for line in lines) >= times)
        return [line for line in await self.meta.sends(None) if _is(line, kind)]


def _is(line: dict[str, Any], kind: str) -> bool:
    return line["meta"] is not None and kind in (line["meta"].get("type"), line["meta"].get("status"))


class Open(Protocol):
    """Opens a journey: `journey(profile, **changes of the profile)`; `still` for a clock that stands."""

    def __call__(
        self, profile: str = "clone", *, still: bool = False, human: bool = False, **changes: Any
    ) -> AbstractAsyncContextManager[Journey]: ...


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Meta, for as long as the tests run."""
    with meta_network(tmp_path_factory.mktemp("meta") / "network.log") as base:
        yield base


@pytest_asyncio.fixture
async def meta(stub: str) -> AsyncIterator[Meta]:
    """Meta, as if it had just been founded."""
    async with Meta(stub) as opened:
        await opened.control(reset=True)
        yield opened


@pytest.fixture
def journey(addresses: Addresses, template: str, tmp_path: Path, meta: Meta) -> Open:
    """How a test opens the world that it needs."""

    @asynccontextmanager
    async def open_journey(
        profile: str = "clone", *, still: bool = False, human: bool = False, **changes: Any
    ) -> AsyncIterator[Journey]:
        number = Number("main", PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN, APP_SECRET, meta.api)
        channel, mind = WhatsAppCloudChannel(number), WaitingMind()
        world = World.open(
            addresses,
            template,
            tmp_path,
            profiles={"main": _quick(profile, changes)},
            mind=mind,
            human=human,
            network="whatsapp_cloud",
            channel=channel,
            clock=StandingClock() if still else None,
        )
        async with _closing(channel), world as opened, _served(opened, number) as gateway:
            await meta.control(gateway=gateway)
            yield Journey(opened, meta, mind, gateway, channel)

    return open_journey


def _quick(name: str, changes: dict[str, Any]) -> Profile:
    """A profile that knows everybody and hardly waits for more."""
    short: dict[str, Any] = {
        "debounce": timedelta(0),
        "debounce_cap": timedelta(0),
        "new_contacts_enabled": True,
    }
    return replace(PROFILES[name], **(short | changes))


@asynccontextmanager
async def _closing(channel: WhatsAppCloudChannel) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await channel.close()


@asynccontextmanager
async def _served(world: World, number: Number) -> AsyncIterator[str]:
    async def tell() -> dict[str, Any]:
        return {"status": "ok"}

    app = create_gateway(world.accounts, world.inbox, world.threads, world.clock, tell, [number])
    async with serving(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who asks over HTTP."""
    async with aiohttp.ClientSession() as session:
        yield session
