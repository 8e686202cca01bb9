"""The gateway's application with the world behind it, called as a server calls it but without a socket."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from secondme.web.asgi import Bare
from secondme.web.gateway import create_gateway
from tests.support.world import World

ANA = "+15550100"
MEBIBYTE = 1024 * 1024


@dataclass
class Gateway:
    """The application and the world behind it. `state` is what its health says."""

    app: Bare
    world: World
    state: dict[str, Any] = field(
        default_factory=lambda: {"status": "ok", "dependencies": {"postgres": "ok"}}
    )

    async def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        kind: str | None = "application/json",
        host: str | None = "127.0.0.1:3001",
        chunk: int = MEBIBYTE,
    ) -> tuple[int, Any]:
        """One request, its body in chunks; returns the status and the JSON (or text) of the answer."""
        chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]
        events = iter([(part, number < len(chunks)) for number, part in enumerate(chunks, start=1)])
        headers = [(b"host", host.encode())] if host is not None else []
        headers += [(b"content-type", kind.encode())] if kind is not None else []
        parts, said = urlsplit(path), list[Any]()

        async def receive() -> dict[str, Any]:
            part, more = next(events)
            return {"type": "http.request", "body": part, "more_body": more}

        async def send(event: Any) -> None:
            said.append(event)

        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": parts.query.encode(),
            "headers": headers,
        }
        await self.app(scope, receive, send)
        start, whole = said
        given = dict(start["headers"])
        assert int(given[b"content-length"]) == len(whole["body"])
        is_json = given[b"content-type"].startswith(b"application/json")
        return start["status"], json.loads(whole["body"]) if is_json else whole["body"].decode()

    async def post(self, body: Any, **more: Any) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.call("POST", "/simulator/messages", raw, **more)

    async def says(self, text: str, who: str = ANA, **more: Any) -> str:
        """A simulated phone writes; returns the messageId."""
        status, answer = await self.post({"from": who, "name": "Ana", "text": text, **more})
        assert (status, set(answer)) == (200, {"messageId"}), answer
        return str(answer["messageId"])

    async def thread(self, who: str = ANA, **more: str) -> list[dict[str, Any]]:
        status, items = await self.call("GET", f"/simulator/messages?{urlencode({'with': who, **more})}")
        assert status == 200, items
        return list(items)

    async def taken(self) -> int:
        """How much the ledger holds of what was posted, kept aside or not."""
        return int(
            await self.world.value(
                "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM kept_aside)"
            )
        )


def gateway_of(world: World) -> Gateway:
    async def health() -> dict[str, Any]:
        return made.state

    made = Gateway(create_gateway(world.accounts, world.inbox, world.threads, world.clock, health), world)
    return made
