"""What the simulator's channel puts on the wire."""

import pytest

from secondme.channels.simulator import SimulatorChannel
from secondme.domain.delivery import DeliveryKind
from secondme.domain.errors import Rejected
from tests.contracts.conftest import Network, maker, outgoing, simulator, soon
from tests.contracts.test_channel import QUIET, TEXTS


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_what_arrives_is_what_was_sent(network: Network, text: str) -> None:
    one = outgoing(text=text, quotes="wamid.ä==")
    async with maker(network, simulator) as make:
        await make("ok").send(one, soon())
    assert [r["body"] for r in network.requests(one.delivery_id)] == [
        {
            "account": "main",
            "to": "+15550100",
            "type": "text",
            "text": text,
            "quotes": "wamid.ä==",
            "callback": str(one.delivery_id),
        }
    ]


@pytest.mark.parametrize("kind", QUIET)
async def test_ticks_and_typing_carry_no_text(network: Network, kind: DeliveryKind) -> None:
    one = outgoing(kind, quotes="wamid.1")
    async with maker(network, simulator) as make:
        await make("ok").send(one, soon())
    body = network.requests(one.delivery_id)[0]["body"]
    assert (body["type"], body.get("quotes"), "text" in body) == (
        str(kind),
        "wamid.1" if kind is DeliveryKind.READ else None,
        False,
    )


async def test_a_refused_caller_is_rejected(network: Network) -> None:
    async with maker(network, simulator) as make:
        with pytest.raises(Rejected):
            await make("401").send(outgoing(), soon())


@pytest.mark.parametrize("kind", [DeliveryKind.TEMPLATE, DeliveryKind.MEDIA])
@pytest.mark.parametrize("base_url", [None, "http://127.0.0.1:9"])
async def test_templates_and_media_never_seem_to_have_arrived(
    kind: DeliveryKind, base_url: str | None
) -> None:
    channel = SimulatorChannel(base_url)
    with pytest.raises(Rejected, match="neither templates nor media"):
        await channel.send(outgoing(kind, text="{}"), soon())
    await channel.close()
