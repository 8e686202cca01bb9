"""A thousand callers that never finish asking: those who do are served all the while, and the others are shown out."""

import asyncio
import resource
import time
from contextlib import suppress

import aiohttp
import pytest

from secondme.web import asgi, sockets
from tests.web.conftest import Desk

HALF_A_HEAD = b"POST /simulator/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /simulator/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)
EACH, DRIP, PATIENCE = 500, 0.4, 2.0
AT_MOST = 2.0  # seconds that an honest caller may wait beside them


async def _drip(port: int, begin: bytes) -> tuple[float, bytes]:
    """Ask without an end, a byte at a time; returns the seconds until shown out, and what was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun, said = time.monotonic(), b""
    writer.write(begin)
    try:
        while not reader.at_eof():
            writer.write(b" ")
            with suppress(TimeoutError):
                said += await asyncio.wait_for(reader.read(1000), DRIP)
    except ConnectionError:
        pass
    finally:
        writer.close()
    return time.monotonic() - begun, said


async def _honest(session: aiohttp.ClientSession, port: int, number: int) -> tuple[int, float]:
    begun = time.monotonic()
    body = {"from": f"+1555010{number % 10}", "text": "hi"}
    async with session.post(f"http://127.0.0.1:{port}/simulator/messages", json=body) as answer:
        return answer.status, time.monotonic() - begun


async def test_honest_callers_are_served_beside_a_thousand_slow_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", PATIENCE)
    monkeypatch.setattr(asgi, "PATIENCE", PATIENCE)
    port = desk.app.settings.gateway_port
    slow = [
        asyncio.create_task(_drip(port, begin)) for begin in (HALF_A_HEAD, HALF_A_BODY) for _ in range(EACH)
    ]
    served: list[tuple[int, float]] = []
    async with aiohttp.ClientSession() as session:
        while not all(task.done() for task in slow):
            served.append(await _honest(session, port, len(served)))
            assert len(served) < 1000
            await asyncio.sleep(0.05)
    assert len(served) >= 10
    assert {status for status, _ in served} == {200}
    assert max(seconds for _, seconds in served) < AT_MOST
    ended = [task.result() for task in slow]
    assert all(PATIENCE * 0.9 < seconds < PATIENCE * 4 for seconds, _ in ended)
    assert all(not said for _, said in ended[:EACH])
    assert all(said.startswith(b"HTTP/1.1 408") for _, said in ended[EACH:])


async def test_a_kept_connection_may_not_be_slow_either(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.app.settings.gateway_port)
    writer.write(b"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert b"404" in await reader.readuntil(b"\r\n\r\n")
    writer.write(HALF_A_HEAD)
    async with asyncio.timeout(5):
        await reader.read()
        assert reader.at_eof()
    writer.close()


def test_files_may_be_open_as_far_as_the_system_lets_us() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        sockets.make_room()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
