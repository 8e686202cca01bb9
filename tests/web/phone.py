"""The gateway as a simulated phone sees it: over HTTP, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest_asyncio
import uvicorn

from secondme.domain.profile import Account
from secondme.web.gateway import create_gateway
from tests.support.world import World

ANA = "+15550100"


@asynccontextmanager
async def served(world: World, accounts: dict[str, Account], health: dict[str, Any]) -> AsyncIterator[int]:
    """The gateway on a port of its own."""

    async def tell() -> dict[str, Any]:
        return health

    app = create_gateway(accounts, world.inbox, world.threads, world.clock, tell)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve(sockets=[bound]))
    async with asyncio.timeout(10):
        while not server.started:
            assert not task.done(), task
            await asyncio.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    await task


@dataclass
class Phones:
    """Whoever talks to the gateway."""

    world: World
    base: str
    session: aiohttp.ClientSession
    health: dict[str, Any]

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.base + path, **more) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str = "/simulator/messages", **body: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=body)

    async def raw(self, body: bytes, content_type: str = "application/json") -> tuple[int, Any]:
        headers = {"Content-Type": content_type}
        return await self.ask("POST", "/simulator/messages", data=body, headers=headers)

    async def says(self, text: str = "hi", who: str = ANA, **more: Any) -> str:
        status, answer = await self.post(**{"from": who, "name": "Ana", "text": text, **more})
        assert (status, list(answer)) == (200, ["messageId"])
        return str(answer["messageId"])

    async def thread(self, who: str = ANA, **more: str) -> list[dict[str, Any]]:
        status, items = await self.ask("GET", "/simulator/messages", params={"with": who, **more})
        assert status == 200
        return list(items)

    async def stored(self) -> int:
        return int(await self.world.value("SELECT count(*) FROM messages"))


@pytest_asyncio.fixture(name="phones")
async def phones_fixture(world: World) -> AsyncIterator[Phones]:
    """Phones that reach a gateway whose world a test may look into."""
    health = {"service": "gateway", "status": "ok", "dependencies": {"postgres": "ok"}}
    async with served(world, world.accounts, health) as port, aiohttp.ClientSession() as session:
        yield Phones(world, f"http://127.0.0.1:{port}", session, health)
