"""What leaves for Meta, and what its refusals mean: against a network that answers as it is told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import formatdate
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import web

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
from secondme.domain.delivery import DeliveryKind, Outgoing, Sent
from secondme.domain.errors import (
    ChannelDown,
    ConfigError,
    NotSent,
    Rejected,
    SecondMeError,
    SendUncertain,
)

PHONE, TOKEN = "106540352242922", "a token"
# printf 'a token' | openssl dgst -sha256 -hmac secret
PROOF = "8c658f42bbf9b92f5a27cb7c2b3c284817b9194e688c2e7abd82bde9fc6feb00"
USER_ID = "US.13491208655302741918"


class Graph:
    """Answers as `status`, `body` and `headers` say, and keeps what came."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps({"messages": [{"id": "wamid.O"}]})
        self.headers: dict[str, str] = {}
        self.got: list[tuple[str, str, dict[str, str], Any]] = []

    async def answer(self, request: web.Request) -> web.Response:
        said = await request.json() if request.can_read_body else None
        self.got.append((request.method, request.path_qs, dict(request.headers), said))
        return web.Response(status=self.status, text=self.body, headers=self.headers)

    def refuses(self, status: int, code: int, **headers: str) -> None:
        words = {"message": f"(#{code}) +16505551234 hi", "code": code, "type": "OAuthException"}
        self.status, self.body, self.headers = status, json.dumps({"error": words}), headers


@pytest_asyncio.fixture
async def graph() -> AsyncIterator[tuple[Graph, WhatsAppCloudChannel]]:
    graph = Graph()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", graph.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    number = Number("main", PHONE, TOKEN, "verify", "secret", f"http://127.0.0.1:{port}")
    channel = WhatsAppCloudChannel(number)
    yield graph, channel
    await channel.close()
    await runner.cleanup()


type Wire = tuple[Graph, WhatsAppCloudChannel]


def outgoing(kind: DeliveryKind = DeliveryKind.TEXT, address: str = "+16505551234", **more: Any) -> Outgoing:
    text = "hi" if kind is DeliveryKind.TEXT else ""
    return Outgoing(uuid4(), "main", address, kind, text, more.get("quotes"))


def soon() -> float:
    return time.monotonic() + 2


async def test_a_text_to_a_number(graph: Wire) -> None:
    network, channel = graph
    one = outgoing(quotes="wamid.Q")
    assert await channel.send(one, soon()) == Sent("wamid.O")
    ((method, path, headers, body),) = network.got
    assert (method, path) == ("POST", f"/v23.0/{PHONE}/messages?appsecret_proof={PROOF}")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "16505551234",
        "type": "text",
        "text": {"body": "hi", "preview_url": False},
        "context": {"message_id": "wamid.Q"},
        "biz_opaque_callback_data": str(one.delivery_id),
    }


async def test_a_text_to_a_user_id(graph: Wire) -> None:
    network, channel = graph
    await channel.send(outgoing(address=USER_ID), soon())
    body = network.got[0][3]
    assert (body["recipient"], "to" in body, "context" in body) == (USER_ID, False, False)


async def test_ticks_and_typing(graph: Wire) -> None:
    network, channel = graph
    network.body = json.dumps({"success": True})
    for kind in (DeliveryKind.READ, DeliveryKind.TYPING):
        assert await channel.send(outgoing(kind, quotes="wamid.Q"), soon()) == Sent(None)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.Q"}
    assert [said for *_, said in network.got] == [read, read | {"typing_indicator": {"type": "text"}}]


async def test_a_tick_about_nothing_is_not_sent(graph: Wire) -> None:
    network, channel = graph
    with pytest.raises(Rejected):
        await channel.send(outgoing(DeliveryKind.TYPING), soon())
    assert network.got == []


REFUSALS = [
    (400, 131047, Rejected, "outbox.window_closed", None),
    (400, 131026, Rejected, "outbox.undeliverable", None),
    (403, 368, Rejected, "outbox.restricted", None),
    (403, 131031, Rejected, "outbox.restricted", None),
    (400, 100, Rejected, "outbox.rejected", None),
    (400, 131051, Rejected, "outbox.rejected", None),
    (404, 999999, Rejected, "outbox.rejected", None),
    (400, 130429, NotSent, None, 5),
    (400, 80007, NotSent, None, 60),
    (400, 4, NotSent, None, 60),
    (429, 999999, NotSent, None, 60),
    (400, 131056, NotSent, None, 6),
    (400, 131016, NotSent, None, 30),
    (401, 190, ChannelDown, None, 60),
    (401, 999999, ChannelDown, None, 60),
    (403, 10, ChannelDown, None, 60),
    (403, 200, ChannelDown, None, 60),
    (403, 299, ChannelDown, None, 60),
    (500, 131000, SendUncertain, None, None),
    (500, 131016, SendUncertain, None, None),
    (503, 130429, SendUncertain, None, None),
    (500, 0, ChannelDown, None, 60),
    (500, 3, ChannelDown, None, 60),  # as Meta lists it
    (503, 10, ChannelDown, None, 60),
    (500, 190, ChannelDown, None, 60),
    (500, 230, ChannelDown, None, 60),
    (500, 131045, ChannelDown, None, 60),  # as Meta lists it
    (500, 131057, ChannelDown, None, 60),  # as Meta lists it
    (500, 131047, SendUncertain, None, None),
    (503, 2, SendUncertain, None, None),
    (400, 1, SendUncertain, None, None),
    (500, 999999, SendUncertain, None, None),
]


@pytest.mark.parametrize(("status", "code", "error", "rule", "wait"), REFUSALS)
async def test_what_a_refusal_means(
    graph: Wire, status: int, code: int, error: type[SecondMeError], rule: str | None, wait: int | None
) -> None:
    network, channel = graph
    network.refuses(status, code)
    with pytest.raises(error) as raised:
        await channel.send(outgoing(), soon())
    assert type(raised.value) is error
    assert getattr(raised.value, "rule", None) == rule
    assert getattr(raised.value, "wait", None) == (timedelta(seconds=wait) if wait else None)
    assert str(code) in str(raised.value)
    assert "1650555" not in str(raised.value) and "hi" not in str(raised.value).split()
    assert len(network.got) == 1


async def test_metas_own_wait_counts(graph: Wire) -> None:
    network, channel = graph
    for asked, waits in (("90", 90), ("1", 5), ("999999", 600), ("Fri, 20 Nov 2026", 5)):
        network.refuses(429, 130429, **{"Retry-After": asked})
        with pytest.raises(NotSent) as raised:
            await channel.send(outgoing(), soon())
        assert raised.value.wait == timedelta(seconds=waits)


async def test_an_expired_token_without_words_of_metas_is_an_account_that_is_down(graph: Wire) -> None:
    network, channel = graph
    network.status, network.body = 401, "<html>"
    with pytest.raises(ChannelDown):
        await channel.send(outgoing(), soon())


async def test_a_look_says_what_the_token_may(graph: Wire) -> None:
    network, channel = graph
    network.body = json.dumps({"id": PHONE, "quality_rating": "GREEN", "throughput": {"level": "STANDARD"}})
    assert await channel.look() == "the token may use the number; quality green, throughput standard"
    await channel.ping()
    assert network.got[0][1].startswith(f"/v23.0/{PHONE}?fields=")
    assert all(f"appsecret_proof={PROOF}" in path for _, path, *_ in network.got)


async def test_a_look_says_what_to_do(graph: Wire) -> None:
    network, channel = graph
    network.refuses(401, 190)
    with pytest.raises(ConfigError, match="WHATSAPP_PERMANENT_TOKEN") as raised:
        await channel.ping()
    assert "Check" not in str(raised.value), "the code has named the cause"
    network.refuses(400, 999)
    with pytest.raises(ConfigError, match="Check WHATSAPP_PHONE_NUMBER_ID"):
        await channel.ping()
    network.status, network.body = 404, "nothing here"
    with pytest.raises(ConfigError, match="WHATSAPP_API_BASE_URL"):
        await channel.ping()


@pytest.mark.parametrize(("off", "word"), [(300, "behind"), (-300, "ahead")])
async def test_a_clock_that_is_wrong_is_said(graph: Wire, off: int, word: str) -> None:
    network, channel = graph
    network.headers = {"Date": formatdate(time.time() + off, usegmt=True)}
    with pytest.raises(ConfigError, match=word):
        await channel.look()
    network.headers = {"Date": formatdate(time.time() + 30, usegmt=True)}
    await channel.look()


async def test_many_are_under_way_at_once(graph: Wire) -> None:
    network, channel = graph
    await asyncio.gather(*(channel.send(outgoing(), soon()) for _ in range(50)))
    assert len({said["biz_opaque_callback_data"] for *_, said in network.got}) == 50
