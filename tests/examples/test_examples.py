"""The examples of docs/extending.md at work, on real stores."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.domain.errors import Invalid, MindFailed, NotSent, Rejected, SendUncertain
from secondme.domain.message import Kind
from secondme.embedded import Addresses
from secondme.llm.offline import OfflineMind
from secondme.observe.audit import AuditLog
from secondme.pipeline import judge
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import RESPONSES, Effects
from secondme.pipeline.outbox import Outbox
from tests.examples.asks_for_a_call import RULE
from tests.examples.away import AWAY
from tests.examples.courier_client import CourierChannel
from tests.examples.courier_parse import parse_courier
from tests.examples.second_opinion import SecondOpinion
from tests.support.world import EchoMind, World

Handler = Callable[[web.Request], Any]


@asynccontextmanager
async def courier(handler: Handler) -> AsyncIterator[CourierChannel]:
    """Courier on this machine, and a channel that speaks to it."""
    app = web.Application()
    app.router.add_post("/messages", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    channel = CourierChannel(f"http://127.0.0.1:{runner.addresses[0][1]}", "secret")
    try:
        yield channel
    finally:
        await channel.close()
        await runner.cleanup()


def outgoing(kind: DeliveryKind = DeliveryKind.TEXT) -> Outgoing:
    return Outgoing(uuid4(), "main", "+15550100", kind, "hi", None)


async def test_a_channel_carries_a_message_in_and_the_answer_out(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    got: list[tuple[str, dict[str, Any]]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["X-Courier-Key"], await request.json()))
        return web.json_response({"receipt": "c-1"})

    said = {"from": "+1 555 0100", "words": "hi", "receipt": "c-0", "at": time.time(), "signedBy": "Ana"}
    async with courier(take) as channel, World.open(addresses, template, tmp_path, run=False) as world:
        async with answering(world, channel, tmp_path):
            await world.inbox.accept([parse_courier(said, "main")])
            await world.inbox.accept([parse_courier(said, "main")])
            await world.settled()
        sent = await world.value("SELECT id FROM deliveries WHERE status = 'sent'")
        receipts = await world.receipts()
    assert got == [("secret", {"to": "+15550100", "words": "re: hi", "reference": str(sent)})]
    assert receipts == [("replied", "contact.enabled")]


@asynccontextmanager
async def answering(world: World, channel: CourierChannel, folder: Path) -> AsyncIterator[None]:
    """The orchestrator, and a mouth that speaks through this channel."""
    effects = Effects(world.signals, AuditLog(folder / "logs"), world.ledger.vault)
    bell = Doorbell(world.signals, RESPONSES, "gateway")
    outbox = Outbox(world.ledger, {"main": channel}, world.switch, effects, bell, world.clock)
    tasks = [asyncio.create_task(loop()) for loop in (world.turns.run, outbox.run, bell.run)]
    try:
        yield
    finally:
        await outbox.drain(2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await effects.told()


@pytest.mark.parametrize(
    ("status", "error"), [(403, Rejected), (429, NotSent), (500, SendUncertain), (302, SendUncertain)]
)
async def test_a_channel_says_what_is_known_of_a_send(status: int, error: type[Exception]) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with courier(refuse) as channel:
        with pytest.raises(error):
            await channel.send(outgoing(), time.monotonic() + 1)


async def test_a_channel_sends_nothing_too_late_or_to_nobody() -> None:
    asked: list[web.Request] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({})

    async with courier(take) as channel:
        with pytest.raises(NotSent):
            await channel.send(outgoing(), time.monotonic() - 0.01)
        assert (await channel.send(outgoing(DeliveryKind.TYPING), time.monotonic() + 1)).provider_id is None
        assert not asked
    nobody = CourierChannel("http://127.0.0.1:9", "secret")
    with pytest.raises(NotSent):
        await nobody.send(outgoing(), time.monotonic() + 1)
    await nobody.close()


def test_what_a_channel_cannot_read_is_named() -> None:
    whole = {"from": "+15550100", "words": "hi", "receipt": "1", "at": 1_795_000_000}
    assert parse_courier(whole, "main").text == "hi"
    assert parse_courier(whole | {"words": None}, "main").kind is Kind.UNKNOWN
    for name in whole:
        with pytest.raises(Invalid):
            parse_courier({key: value for key, value in whole.items() if key != name}, "main")
    unreadable: tuple[Any, ...] = (None, [], whole | {"at": "noon"}, whole | {"at": 1e300})
    for body in unreadable:
        with pytest.raises(Invalid):
            parse_courier(body, "main")


async def test_a_rule_ends_a_message_silent_by_its_name(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr(judge, "RULES", (*judge.RULES, RULE))
    await world.says("call me when you can")
    await world.says("I called Meg", who="+15550101")
    await world.settled()
    assert world.phones.texts() == ["re: I called Meg"]
    assert await world.receipts() == [("silent", "message.asks_for_call"), ("replied", "contact.enabled")]


async def test_a_mind_that_wraps_minds(addresses: Addresses, template: str, tmp_path: Path) -> None:
    broken = EchoMind()
    broken.fails = MindFailed("no")
    mind = SecondOpinion(broken, EchoMind())
    async with World.open(addresses, template, tmp_path, mind=mind) as world:
        await world.says("hi")
        await world.settled()
        assert len(broken.asked) == 1
        assert world.phones.texts() == ["re: hi"]


async def test_a_profile_of_ones_own(addresses: Addresses, template: str, tmp_path: Path) -> None:
    quick = replace(AWAY, debounce=timedelta(milliseconds=100))
    async with World.open(
        addresses, template, tmp_path, profiles={"main": quick}, mind=OfflineMind()
    ) as world:
        await world.says("hi")
        await world.says("anybody there?")
        await world.settled()
        assert world.phones.texts() == [AWAY.says_when_offline]
