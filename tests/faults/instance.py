"""One whole instance that may be hurt: stores of its own, our services as processes, and a phone network."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
from redis.asyncio import Redis

from secondme.embedded import EmbeddedStores, processes
from tests.faults.children import SOURCE, Service, Talker, environment
from tests.faults.proxy import Proxy
from tests.stubs.meta_driver import Meta

_STUBS = {"simulator": "phone_network", "meta": "meta_network"}
_OPEN = """SELECT (SELECT count(*) FROM messages WHERE direction = 'incoming' AND outcome IS NULL)
  + (SELECT count(*) FROM deliveries WHERE status IN ('planned', 'in_flight'))"""


@dataclass
class Instance:
    """What runs, and verbs to hurt it."""

    folder: Path
    stores: EmbeddedStores
    network: str
    services: dict[str, Service]
    settings: dict[str, str]
    talkers: list[Talker] = field(default_factory=list)
    proxies: dict[str, Proxy] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        folder: Path,
        *,
        source: Path = SOURCE,
        more: Mapping[str, str] | None = None,
        orchestrators: int = 1,
        proxied: Sequence[str] = (),
        network: str = "simulator",
    ) -> AsyncIterator["Instance"]:
        """Everything started and listening. `more` are settings; `source` holds the product, perhaps a mutant.

        `network` is whose: simulator or meta. `proxied` names proxies to Postgres: `services` is the one of our
        services, others are for who asks.
        """
        stores = await EmbeddedStores.attach(folder / "stores")
        settings = environment(source, **(_settings(folder, stores) | dict(more or {})))
        stub = Talker(settings, folder, f"tests.stubs.{_STUBS[network]}", str(folder / "network.log"))
        instance = cls(folder, stores, "", {}, settings, [stub])
        try:
            instance.network = await stub.line()
            if network == "meta":
                settings |= Meta(instance.network).settings()
                await instance.control(batch=5)
            else:
                settings["SIMULATOR_API_BASE_URL"] = instance.network
            for name in proxied:
                instance.proxies[name] = await Proxy.open(stores.addresses.database_url or "")
            await instance._start(["gateway"] + ["orchestrator"] * orchestrators)
            yield instance
        finally:
            await instance._end()

    async def _start(self, names: Sequence[str]) -> None:
        settings = self.settings_through("services") if "services" in self.proxies else self.settings
        for number, name in enumerate(names):
            service = Service(name, _free_port(), settings, self.folder)
            self.services[name if name not in self.services else f"{name}-{number}"] = service
            service.start()
        for service in self.services.values():
            await service.listens()
            assert service.running, f"{service.name} did not start; see {self.folder}"
        await self.control(gateway=f"http://127.0.0.1:{self.services['gateway'].port}")

    def settings_through(self, proxy: str) -> dict[str, str]:
        """The settings of a process that reaches Postgres through that proxy."""
        return self.settings | {"DATABASE_URL": self.proxies[proxy].url}

    async def _end(self) -> None:
        for service in self.services.values():
            service.kill()
        for talker in self.talkers:
            talker.kill()
        for proxy in self.proxies.values():
            await proxy.close()
        await self.stores.detach()

    async def control(self, **wish: Any) -> None:
        """Tell the network how to behave; see tests.stubs.phone_network."""
        url = f"{self.network}/control"
        async with aiohttp.ClientSession() as session, session.post(url, json=wish) as answer:
            assert answer.status == 200

    async def state(self) -> dict[str, int]:
        """What is under way on the network."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.network}/state") as answer:
            state: dict[str, int] = await answer.json()
            return state

    def kill_store(self, name: str) -> None:
        """SIGKILL every process of a store, head first; they are found by what the kernel says of them."""
        family = processes.find(self.folder / "stores" / name)
        heads = {process.pid for process in family}
        assert family, f"no {name} to kill"
        for process in sorted(family, key=lambda p: p.ppid() in heads):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=10)

    async def flush_redis(self) -> None:
        redis = Redis.from_url(self.stores.addresses.redis_url or "")
        await redis.flushall()
        await redis.aclose()

    @asynccontextmanager
    async def forgetful_redis(self) -> AsyncIterator[None]:
        """Redis loses everything, again and again, many times while one press lasts."""

        async def forget() -> None:
            while True:
                await redis.flushall()
                await asyncio.sleep(0.003)

        async with Redis.from_url(self.stores.addresses.redis_url or "") as redis:
            forgetting = asyncio.create_task(forget())
            yield
            forgetting.cancel()
            await asyncio.wait({forgetting})

    async def value(self, question: str, *values: object) -> Any:
        """One value from the ledger itself, around every proxy."""
        connection = await asyncpg.connect(self.stores.addresses.database_url)
        try:
            return await connection.fetchval(question, *values)
        finally:
            await connection.close()

    async def until(self, question: str, seconds: float) -> None:
        """Wait until an SQL question is true."""
        deadline = time.monotonic() + seconds
        while not await self.value(question):
            assert time.monotonic() < deadline, f"still false: {question}"
            await asyncio.sleep(0.02)

    async def quiet(self, accepted: int, seconds: float) -> float:
        """Wait until so many messages were accepted and nothing is open anywhere; returns how long it took."""
        began = time.monotonic()
        while True:
            state, waiting = await self.state(), await self.value(_OPEN)
            if state["accepted"] >= accepted and not state["posting"] and not waiting:
                return time.monotonic() - began
            assert time.monotonic() - began < seconds, f"not quiet: {state}, {waiting} open in the ledger"
            await asyncio.sleep(0.1)


def _settings(folder: Path, stores: EmbeddedStores) -> dict[str, str]:
    addresses = stores.addresses
    return {
        "DATABASE_URL": addresses.database_url or "",
        "REDIS_URL": addresses.redis_url or "",
        "FALKORDB_URL": addresses.falkordb_url or "",
        "SECONDME_DATA_DIR": str(folder / "data"),
        "SECONDME_PROFILE": "journal",
        "SECONDME_RATE_LIMIT": "0",
        "SECONDME_PACING": "none",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
