"""The breaker before Meta's API: what counts against the API, and what only against us."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
from secondme.domain.breaker import FAILURES, REST, State
from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.domain.errors import ChannelDown, NotSent
from secondme.observe import metrics


@pytest_asyncio.fixture
async def nobody() -> AsyncIterator[WhatsAppCloudChannel]:
    """A channel to a port that is bound and listens to nobody."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        channel = WhatsAppCloudChannel(Number("shop", "1065", "token", "verify", "secret", base))
        yield channel
        await channel.close()


def outgoing() -> Outgoing:
    return Outgoing(uuid4(), "shop", "+16505551234", DeliveryKind.TEXT, "hi", None)


def soon() -> float:
    return time.monotonic() + 2


async def test_out_of_reach_five_times_is_left_alone(nobody: WhatsAppCloudChannel) -> None:
    for _ in range(FAILURES):
        assert nobody.gate.state() is State.CLOSED
        with pytest.raises(NotSent) as failed:
            await nobody.send(outgoing(), soon())
        assert type(failed.value) is NotSent, "these are tries"
    assert nobody.gate.state() is State.OPEN
    with pytest.raises(ChannelDown, match="left alone for 30 s") as down:
        await nobody.send(outgoing(), soon())
    assert down.value.wait is not None
    assert timedelta(seconds=REST - 2) < down.value.wait <= timedelta(seconds=REST)
    shown = metrics.REGISTRY.get_sample_value("secondme_breaker_open", {"service": "whatsapp_cloud shop"})
    assert shown == pytest.approx(1)


@pytest.mark.parametrize("left", [0.0, 0.01])
async def test_our_own_lateness_says_nothing_of_it(nobody: WhatsAppCloudChannel, left: float) -> None:
    """A machine that is too slow for a second would otherwise silence itself for thirty."""
    for _ in range(2 * FAILURES):
        with pytest.raises(NotSent):
            await nobody.send(outgoing(), time.monotonic() + left)
    assert nobody.gate.state() is State.CLOSED


async def test_what_nobody_waits_for_says_nothing_of_it(nobody: WhatsAppCloudChannel) -> None:
    for _ in range(2 * FAILURES):
        sending = asyncio.create_task(nobody.send(outgoing(), soon()))
        await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    assert nobody.gate.state() is State.CLOSED
