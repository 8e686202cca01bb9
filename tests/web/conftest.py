"""The gateway, the orchestrator and the dashboard as they run, on stores and ports of their own."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest_asyncio
from redis.asyncio import Redis

from secondme.embedded import Addresses
from secondme.services import MAKE, Runner, Service
from secondme.settings import Settings
from secondme.web.dashboard.auth import make_link
from secondme.wiring import App, open_app
from tests.support.world import drop_database, with_database

_PATIENCE = 8.0  # seconds


@dataclass
class Desk:
    """An owner in front of the dashboard, signed in."""

    app: App
    base: str
    session: aiohttp.ClientSession
    services: dict[str, Service]

    @property
    def gateway(self) -> str:
        """The gateway's base URL."""
        return f"http://127.0.0.1:{self.app.settings.gateway_port}"

    async def get(self, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.get(self.base + path, **more) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        more.setdefault("headers", {"origin": self.base})
        more = {"json": body or {}} | more
        async with self.session.post(self.base + path, **more) as answer:
            return answer.status, None if answer.status == 204 else await answer.json()

    async def says(self, text: str, who: str = "+15550100", **more: Any) -> dict[str, Any]:
        """Somebody writes on a simulated phone; returns what the dashboard answered."""
        status, taken = await self.post(
            "/api/simulator/messages", {"from": who, "name": "Ana", "text": text, **more}
        )
        assert status == 200, taken
        return dict(taken)

    async def thread(self, conversation: str) -> list[dict[str, Any]]:
        status, found = await self.get(f"/api/conversations/{conversation}")
        assert status == 200, found
        return list(found["bubbles"])

    async def until(
        self, conversation: str, holds: Callable[[list[dict[str, Any]]], bool]
    ) -> list[dict[str, Any]]:
        """The thread, once it is as wanted; fails after eight seconds with what it was."""
        deadline = time.monotonic() + _PATIENCE
        while not holds(bubbles := await self.thread(conversation)):
            assert time.monotonic() < deadline, f"still: {bubbles}"
            await asyncio.sleep(0.05)
        return bubbles


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something is so; fails after eight seconds."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not become so"
        await asyncio.sleep(0.02)


async def turned(holds: Callable[[], Awaitable[bool]]) -> None:
    """The same for what has to be asked."""
    deadline = time.monotonic() + _PATIENCE
    while not await holds():
        assert time.monotonic() < deadline, "it did not become so"
        await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@asynccontextmanager
async def opened(
    addresses: Addresses,
    template: str,
    folder: Path,
    services: tuple[str, ...] = ("gateway", "orchestrator", "dashboard"),
    **more: Any,
) -> AsyncIterator[Desk]:
    """The named services, running, with `more` settings; the desk is signed in."""
    assert addresses.database_url and addresses.redis_url
    redis = Redis.from_url(addresses.redis_url)
    await redis.flushall()
    await redis.aclose()
    name = f"web_{uuid4().hex}"
    await _in_postgres(addresses.database_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    settings = Settings.model_validate(
        {
            "data_dir": folder,
            "database_url": with_database(addresses.database_url, name),
            "redis_url": addresses.redis_url,
            "falkordb_url": addresses.falkordb_url,
            "pacing": "none",
            "debounce": timedelta(milliseconds=100),
            "gateway_port": free_port(),
            "orchestrator_port": free_port(),
            "dashboard_port": free_port(),
            **more,
        }
    )
    app = await open_app(settings, serves=True)
    made = {name: MAKE[name](app) for name in services}
    runner = Runner(app, list(made.values()))
    try:
        await runner.start()
        base = f"http://127.0.0.1:{settings.dashboard_port}"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(await make_link(app)) as answer:
                assert answer.status == 200, await answer.text()
            yield Desk(app, base, session, made)
    finally:
        await runner.stop()
        await app.close()
        await drop_database(addresses.database_url or "", name)


async def _in_postgres(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


@pytest_asyncio.fixture
async def desk(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(addresses, template, tmp_path) as found:
        yield found
