"""An app that requires its secret: every request proves it, and one that cannot be proven sends nothing and waits."""

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel, declarations
from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.domain.errors import ChannelDown, Unusable
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import ACCOUNT_ID, APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.processes import meta_network


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with meta_network(tmp_path_factory.mktemp("meta") / "network.log") as base:
        yield base


@pytest_asyncio.fixture
async def meta(stub: str) -> AsyncIterator[Meta]:
    async with Meta(stub) as opened:
        await opened.control(reset=True, proof=True)
        yield opened


@pytest.fixture
def number(meta: Meta) -> Number:
    return Number("main", PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN, APP_SECRET, meta.base, ACCOUNT_ID)


def text() -> Outgoing:
    return Outgoing(uuid4(), "main", "+15550100001", DeliveryKind.TEXT, "hi", None)


async def test_every_request_proves_it(meta: Meta, number: Number) -> None:
    channel = WhatsAppCloudChannel(number)
    try:
        assert (await channel.send(text(), time.monotonic() + 2)).provider_id
        assert "the token may use the number" in await channel.look()
        assert await declarations.fetch(number, "hello_world")
    finally:
        await channel.close()


async def test_another_apps_secret_is_an_account_that_is_down(meta: Meta, number: Number) -> None:
    """Graph says it with the code of a wrong parameter: it must not end a message that can leave once it is mended."""
    channel = WhatsAppCloudChannel(replace(number, app_secret="of another app"))
    try:
        with pytest.raises(ChannelDown, match="WHATSAPP_APP_SECRET is not the secret of the app"):
            await channel.send(text(), time.monotonic() + 2)
        with pytest.raises(Unusable, match="WHATSAPP_APP_SECRET is not the secret of the app") as raised:
            await channel.ping()
        assert raised.value.state == "refused (100)"
    finally:
        await channel.close()
    assert await meta.texts() == []
