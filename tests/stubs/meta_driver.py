"""Speaks to the stub of Meta's API from inside a test: people who write, the owner's phone, and what may go wrong."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.meta_webhooks import Item, wamid


class Meta:
    """The stub at a base URL. Use it as `async with Meta(base) as meta`."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.api = f"{base}/v23.0"

    async def __aenter__(self) -> "Meta":
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._session.close()

    def settings(self) -> dict[str, str]:
        """What an instance needs that has its account here."""
        return {
            "SECONDME_CHANNEL": "whatsapp_cloud",
            "WHATSAPP_PHONE_NUMBER_ID": PHONE_NUMBER_ID,
            "WHATSAPP_PERMANENT_TOKEN": TOKEN,
            "WHATSAPP_VERIFY_TOKEN": VERIFY_TOKEN,
            "WHATSAPP_APP_SECRET": APP_SECRET,
            "WHATSAPP_API_BASE_URL": self.base,
        }

    async def control(self, **wish: Any) -> None:
        """How to behave from now on; see tests.stubs.meta_network."""
        await self._post("/control", wish)

    async def fault(self, fault: str | int, **more: Any) -> None:
        """What is to happen to the next send."""
        await self.control(faults=[{"fault": str(fault), **more}])

    async def state(self) -> dict[str, Any]:
        return dict(await self._get("/state"))

    async def sends(self, kind: str | None = "text", to: str | None = None) -> list[dict[str, Any]]:
        """The requests that came whole, in order: of one type (None: all), to one recipient."""
        lines: list[dict[str, Any]] = await self._get("/sends")
        return [
            line
            for line in lines
            if (kind is None or line["body"]["type"] == kind) and (to is None or line["body"]["to"] == to)
        ]

    async def texts(self, to: str | None = None) -> list[str]:
        """The texts that were taken, in order."""
        return [line["body"]["text"] for line in await self.sends("text", to) if line["taken"]]

    async def deliver(self, items: Sequence[Item], **how: Any) -> dict[str, Any]:
        """`POST /deliver`: {"ids", "answers"}."""
        return dict(await self._post("/deliver", {"items": list(items), **how}))

    async def says(self, text: str, who: str | None = "15550100001", **more: Any) -> str:
        """Somebody writes, and that was answered with 200; returns the message's id. Digits, or None with `user_id`."""
        return await self.sent({"kind": "text", "from": who, "name": "Ana", "text": text, **more})

    async def sent(self, item: Item, **how: Any) -> str:
        """Deliver one item; returns its id."""
        one = {"id": wamid(), **item}
        answers = (await self.deliver([one], **how))["answers"]
        assert all(status == 200 for status, _ in answers), f"the webhook was answered {answers}"
        return str(one["id"])

    async def edits(self, message_id: str, text: str, who: str | None = "15550100001", **more: Any) -> str:
        return await self.sent({"kind": "edit", "from": who, "of": message_id, "text": text, **more})

    async def deletes(self, message_id: str, who: str | None = "15550100001", **more: Any) -> str:
        return await self.sent({"kind": "revoke", "from": who, "of": message_id, **more})

    async def owner_says(self, text: str, to: str | None = "15550100001", **more: Any) -> str:
        """The owner writes to somebody in the phone app; an `id` or a text of ours makes it the echo of a send."""
        return await self.sent({"kind": "echo", "from": to, "text": text, **more})

    async def status(self, send: dict[str, Any], status: str, **more: Any) -> None:
        """A status of one of `sends()`."""
        whom = send["meta"].get("to"), send["meta"].get("recipient")
        item = {
            "kind": "status",
            "of": send["id"] or wamid(),
            "status": status,
            "from": whom[0],
            "user_id": whom[1],
        }
        await self.sent({**item, "callback": send["body"]["callback"], **more})

    async def until(
        self, true: Callable[[list[dict[str, Any]]], bool], seconds: float = 8.0
    ) -> list[dict[str, Any]]:
        """Wait until the requests so far satisfy a condition; returns them."""
        deadline = time.monotonic() + seconds
        while not true(lines := await self.sends(None)):
            assert time.monotonic() < deadline, (
                f"still not so after {seconds} s: {[line['body'] for line in lines]}"
            )
            await asyncio.sleep(0.03)
        return lines

    async def _get(self, path: str) -> Any:
        async with self._session.get(f"{self.base}{path}") as answer:
            return await answer.json()

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        async with self._session.post(f"{self.base}{path}", json=body) as answer:
            assert answer.status == 200, f"{path}: {answer.status} {await answer.text()}"
            return await answer.json()
