"""The simulator's API behind a real server: what bytes on the wire may do that a called application never sees."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest_asyncio

from secondme.channels.whatsapp_cloud import Number
from secondme.domain.profile import Account
from secondme.web.gateway import create_gateway
from tests.support.serving import serving
from tests.support.world import World

ANA = "+15550100"
HELLO = {"from": ANA, "text": "hi"}
LARGEST = 4 * 1024 * 1024  # bytes of a body


@asynccontextmanager
async def served(
    world: World, accounts: dict[str, Account], health: dict[str, Any], numbers: Sequence[Number] = ()
) -> AsyncIterator[int]:
    """The gateway on a port of its own."""

    async def tell() -> dict[str, Any]:
        return health

    app = create_gateway(accounts, world.inbox, world.threads, world.clock, tell, numbers)
    async with serving(app) as port:
        yield port


@dataclass
class Phones:
    """Whoever talks to the gateway."""

    world: World
    base: str
    session: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.base + path, **more) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str = "/simulator/messages", **body: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json=body)

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


@pytest_asyncio.fixture
async def phones(world: World) -> AsyncIterator[Phones]:
    """Phones that reach a gateway whose world a test may look into."""
    health = {"service": "gateway", "status": "ok", "dependencies": {"postgres": "ok"}}
    async with served(world, world.accounts, health) as port, aiohttp.ClientSession() as session:
        yield Phones(world, f"http://127.0.0.1:{port}", session)


async def test_a_thread_shows_both_sides_in_order(phones: Phones) -> None:
    for text in ("one", "two"):
        await phones.says(text)
        await phones.world.settled()
    items = await phones.thread()
    assert [(i["direction"], i["by"], i["text"], i["status"]) for i in items] == [
        ("incoming", "contact", "one", "replied"),
        ("outgoing", "bot", "re: one", "delivered"),
        ("incoming", "contact", "two", "replied"),
        ("outgoing", "bot", "re: two", "delivered"),
    ]
    times = [datetime.fromisoformat(i["at"]) for i in items]
    assert times == sorted(times)
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=2) for at in times)


async def test_a_number_may_be_spelled_as_people_do(phones: Phones) -> None:
    await phones.says(who="+1 555-0100")
    for spelled in ("%2B15550100", "+15550100", "15550100", "%2B1%20(555)%200100"):
        status, items = await phones.ask("GET", f"/simulator/messages?with={spelled}")
        assert (status, [i["text"] for i in items if i["direction"] == "incoming"]) == (200, ["hi"]), spelled


async def test_the_same_message_from_many_connections_is_one(phones: Phones) -> None:
    await asyncio.gather(*(phones.says("hi", messageId="m") for _ in range(20)))
    await phones.world.settled()
    assert [i["text"] for i in await phones.thread()] == ["hi", "re: hi"]


async def test_a_foreign_host_is_refused_for_every_path(phones: Phones) -> None:
    """A page elsewhere whose name leads here (DNS rebinding)."""
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "evil.example:127.0.0.1",
    ):
        for method, path in (("POST", "messages"), ("POST", "statuses"), ("GET", "messages?with=a")):
            body = HELLO if method == "POST" else None
            status, answer = await phones.ask(method, f"/simulator/{path}", json=body, headers={"Host": host})
            assert (status, list(answer)) == (403, ["error"]), host
    assert await phones.stored() == 0


async def test_no_page_elsewhere_may_read_an_answer(phones: Phones) -> None:
    headers = {"Origin": "https://evil.example"}
    for method, status in (("GET", 200), ("OPTIONS", 405)):
        path = f"{phones.base}/simulator/messages?with=a"
        async with phones.session.request(method, path, headers=headers) as answer:
            assert answer.status == status
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_a_body_that_does_not_say_its_size_is_cut_off(phones: Phones) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(4000):
            sent += 65536
            yield b" " * 65536

    try:
        headers = {"Content-Type": "application/json"}
        status, _ = await phones.ask("POST", "/simulator/messages", data=pieces(), headers=headers)
    except aiohttp.ClientError:
        status = 413
    assert status == 413
    assert sent < 40 * LARGEST
    assert await phones.stored() == 0


async def test_a_request_that_is_cut_off_stores_nothing(phones: Phones) -> None:
    """The connection ends in the middle of a body that would be a message as it stands."""
    body = json.dumps(HELLO).encode()
    host, port = phones.base.removeprefix("http://").split(":")
    head = f"POST /simulator/messages HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.3)
    assert await phones.stored() == 0


async def test_without_a_simulator_account_its_paths_do_not_exist(world: World) -> None:
    accounts = {"main": replace(world.accounts["main"], channel="whatsapp_cloud")}
    async with served(world, accounts, {"status": "ok"}) as port, aiohttp.ClientSession() as session:
        phones = Phones(world, f"http://127.0.0.1:{port}", session)
        assert (await phones.ask("POST", "/simulator/messages", json=HELLO))[0] == 404
        assert (await phones.ask("GET", "/simulator/messages?with=a"))[0] == 404
        assert (await phones.ask("GET", "/health"))[0] == 200
