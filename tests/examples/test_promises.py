"""Two promises of docs/architecture.md, looked at from outside at the moment that counts."""

import json
from typing import Any

import asyncpg

from secondme.domain.delivery import Outgoing
from secondme.web.gateway import create_gateway
from tests.support.world import World

BODY = json.dumps({"from": "+15550100", "name": "Ana", "text": "hi", "messageId": "m-1"}).encode()


async def post(app: Any) -> int:
    """POST one message to the gateway; the status of its answer."""
    sent: list[dict[str, Any]] = []
    headers = [(b"host", b"127.0.0.1:3001"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/simulator/messages", "query_string": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY}

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    await app({**scope, "headers": headers}, receive, send)
    return int(sent[0]["status"])


async def test_what_was_answered_with_200_is_durable(world: World) -> None:
    async def health() -> dict[str, Any]:
        return {}

    gateway = create_gateway(world.accounts, world.inbox, world.threads, world.clock, health)
    assert await post(gateway) == 200
    other = await asyncpg.connect(world.dsn)
    try:
        assert await other.fetchval("SELECT count(*) FROM messages") == 1
        await other.execute("ALTER TABLE messages RENAME TO elsewhere")
        assert await post(gateway) >= 500
        await other.execute("ALTER TABLE elsewhere RENAME TO messages")
    finally:
        await other.close()


async def test_before_a_byte_leaves_its_intent_is_committed(world: World) -> None:
    seen: list[Any] = []

    async def look(outgoing: Outgoing) -> None:
        other = await asyncpg.connect(world.dsn)
        seen.append(await other.fetchval("SELECT status FROM deliveries WHERE id = $1", outgoing.delivery_id))
        await other.close()

    world.phones.before = look
    await world.says("hi")
    await world.settled()
    assert seen == ["in_flight"]
