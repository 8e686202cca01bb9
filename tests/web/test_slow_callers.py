"""A thousand callers that never finish asking: those who do are served all the while, and the others are shown out."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest

from secondme.web import asgi, sockets
from secondme.web.dashboard import shield
from tests.web.conftest import Desk

HALF_A_HEAD = b"POST /simulator/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /simulator/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)
FILE = b'--x\r\nContent-Disposition: form-data; name="file"; filename="chat.txt"\r\n\r\n'
EACH, DRIP, PATIENCE = 500, 0.4, 2.0


async def _drip(port: int, begin: bytes) -> tuple[float, bytes]:
    """Ask without an end, a byte at a time; returns the seconds until shown out, and what was said."""
    begun, said = time.monotonic(), b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
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


async def _honest(session: aiohttp.ClientSession, port: int, number: int) -> int:
    body = {"from": f"+1555010{number % 10}", "text": "hi"}
    async with session.post(f"http://127.0.0.1:{port}/simulator/messages", json=body) as answer:
        return answer.status


async def test_honest_callers_are_served_beside_a_thousand_slow_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PATIENCE", PATIENCE)
    monkeypatch.setattr(asgi, "PATIENCE", PATIENCE)
    port = desk.app.settings.gateway_port
    slow = [
        asyncio.create_task(_drip(port, begin)) for begin in (HALF_A_HEAD, HALF_A_BODY) for _ in range(EACH)
    ]
    served: list[int] = []
    async with aiohttp.ClientSession() as session:
        while not all(task.done() for task in slow):
            served.append(await _honest(session, port, len(served)))
            assert len(served) < 1000
            await asyncio.sleep(0.05)
    assert len(served) >= 10, "whoever waits for the slow ones is served twice or thrice"
    assert set(served) == {200}
    ended = [task.result() for task in slow]
    assert all(seconds > PATIENCE * 0.9 for seconds, _ in ended), "nobody before their time"
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


def _half_a_change(desk: Desk, path: str, kind: str, begin: bytes) -> bytes:
    """The beginning of what a signed-in page sends to the dashboard."""
    cookie = "; ".join(f"{morsel.key}={morsel.value}" for morsel in desk.session.cookie_jar)
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {desk.base.removeprefix('http://')}",
        f"Origin: {desk.base}",
        f"Cookie: {cookie}",
        f"Content-Type: {kind}",
        "Content-Length: 100000\r\n\r\n",
    ]
    return "\r\n".join(lines).encode() + begin


@pytest.mark.parametrize(
    ("path", "kind", "begin"),
    [
        ("/api/simulator/messages", "application/json", b"{"),
        ("/api/import/inspect", "multipart/form-data; boundary=x", FILE),
        ("/api/import/inspect", "multipart/form-data; boundary=x", FILE + b"quick at first " * 6000),
    ],
    ids=["json", "upload", "an upload that was quick at first"],
)
async def test_the_dashboard_waits_no_longer_for_a_body(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, begin: bytes
) -> None:
    monkeypatch.setattr(asgi, "PATIENCE", 1.0)
    slow = [
        _drip(desk.app.settings.dashboard_port, _half_a_change(desk, path, kind, begin)) for _ in range(20)
    ]
    for seconds, said in await asyncio.gather(*slow):
        assert 0.9 < seconds < 4
        assert said.startswith(b"HTTP/1.1 408") and b"nothing was taken" in said
    assert not list((desk.app.settings.data_dir / "run").glob("upload-*")), "what came of the file is gone"
    assert (await desk.get("/api/state"))[0] == 200


async def test_an_upload_that_keeps_up_may_take_longer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PATIENCE", 0.4)
    monkeypatch.setattr(shield, "SLOWEST", 500)
    line = b"28/01/2026, 12:00 - Lena: a line of some fifty characters, as people write\n"

    async def pieces() -> AsyncIterator[bytes]:
        yield FILE
        for _ in range(15):
            await asyncio.sleep(0.1)
            yield line
        yield b"\r\n--x--\r\n"

    headers = {"origin": desk.base, "content-type": "multipart/form-data; boundary=x"}
    status, found = await desk.post("/api/import/inspect", json=None, data=pieces(), headers=headers)
    assert (status, found["authors"]) == (200, {"Lena": 15})


async def test_a_page_that_listens_is_not_hurried(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "PATIENCE", 0.3)
    async with desk.session.get(f"{desk.base}/api/events") as events:
        await asyncio.sleep(1.0)
        await desk.says("hello")
        async with asyncio.timeout(5):
            while b"message.received" not in await events.content.readline():
                pass


def test_files_may_be_open_as_far_as_the_system_lets_us() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        sockets.make_room()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(hard, 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
