"""What the dashboard does with what a crash, a stranger's header or a broken line leaves it."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from secondme.embedded import Addresses
from secondme.web.dashboard import phones
from secondme.web.dashboard.views import PhoneMessage
from tests.web.conftest import Desk, opened

pytestmark = pytest.mark.timeout(60)


async def test_uploads_that_a_crash_left_go_at_the_start(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "upload-left").write_bytes(b"a chat")
    async with opened(addresses, template, tmp_path, ("dashboard",)):
        assert list((tmp_path / "run").iterdir()) == []


async def test_a_host_header_cannot_pass_for_an_open_path(desk: Desk) -> None:
    port = desk.app.settings.dashboard_port
    async with aiohttp.ClientSession() as stranger:
        for host in (f"127.0.0.1:{port}/static/?", "127.0.0.1/health?", "127.0.0.1/static/#"):
            async with stranger.get(f"{desk.base}/api/state", headers={"host": host}) as answer:
                assert answer.status in (400, 401, 421), host


async def test_a_message_without_an_id_can_be_sent_again_as_the_same(desk: Desk) -> None:
    got: list[bytes] = []

    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got.append(await reader.read(10_000))
        writer.close()

    server = await asyncio.start_server(breaks_off, "127.0.0.1", 0)
    async with server:
        desk.app.settings.gateway_port = server.sockets[0].getsockname()[1]
        message = PhoneMessage.model_validate({"from": "+15550100", "text": "hi"})
        with pytest.raises(phones.GatewayAway) as told:
            await phones.send(desk.app, message)
    sent = json.loads(got[0])["messageId"]
    assert sent in str(told.value)
