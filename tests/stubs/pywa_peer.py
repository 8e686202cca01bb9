"""pywa, a client of Meta's API that others wrote: it sends, and listens where a gateway would."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from pywa_async.client import WhatsApp

from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, TOKEN


class Peer:
    """`got` is what pywa made of each webhook, `bodies` are their bytes."""

    def __init__(self, stub: str, token: str = TOKEN) -> None:
        self.client = WhatsApp(PHONE_NUMBER_ID, token, app_secret=APP_SECRET, filter_updates=True)
        self.client.api._session.base_url = f"{stub}/v23.0"
        self.got: list[Any] = []
        self.bodies: list[bytes] = []
        self.refuses = 0  # so many of the next webhooks
        for name in ("message", "message_status", "edited_message", "deleted_message", "callback_button",
                     "callback_selection", "outgoing_message", "outgoing_edited_message", "phone_number_change",
                     "outgoing_deleted_message"):  # fmt: skip
            getattr(self.client, f"on_{name}")(self._take)

    async def _take(self, _: WhatsApp, update: Any) -> None:
        self.got.append(update)

    async def hear(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=503)
        wrong = await self.client.webhook_update_validator(raw, request.headers.get("X-Hub-Signature-256"))
        if wrong:
            return web.Response(status=wrong[1])
        self.bodies.append(raw)
        return web.Response(status=(await self.client.webhook_update_handler(raw))[1])

    async def heard(self, webhooks: int, seconds: float = 5.0) -> None:
        """Wait until so many webhooks have come."""
        deadline = time.monotonic() + seconds
        while len(self.bodies) < webhooks:
            assert time.monotonic() < deadline, f"{len(self.bodies)} webhooks"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def served(peer: Peer) -> AsyncIterator[str]:
    """The peer on a port of its own."""
    app = web.Application()
    app.router.add_post("/webhooks/whatsapp", peer.hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    await peer.client.api._session.aclose()
