"""Templates and media: what is refused before it is planned, and that what is sent is what others would send.

Against the strict stub, which knows its templates as Meta does, and pywa, a client that others wrote.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pywa.types.templates import (
    BaseParams,
    BodyText,
    CopyCodeButton,
    HeaderDocument,
    HeaderImage,
    HeaderText,
    HeaderVideo,
    TemplateLanguage,
    URLButton,
)
from pywa_async.client import WhatsApp

from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel, declarations, media, template
from secondme.channels.whatsapp_cloud.declarations import Declaration
from secondme.channels.whatsapp_cloud.template import Wanted
from secondme.domain.delivery import DeliveryKind, Outgoing
from secondme.domain.errors import ConfigError, Invalid, Rejected
from secondme.domain.order import Order
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import ACCOUNT_ID, APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.processes import meta_network
from tests.stubs.pywa_peer import Peer

ID = "1013859600285441"
PERSON = "15550100001"


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with meta_network(tmp_path_factory.mktemp("meta") / "network.log") as base:
        yield base


@pytest_asyncio.fixture
async def meta(stub: str) -> AsyncIterator[Meta]:
    async with Meta(stub) as opened:
        await opened.control(reset=True)
        yield opened


@pytest_asyncio.fixture
async def pywa(meta: Meta) -> AsyncIterator[WhatsApp]:
    peer = Peer(meta.base)
    yield peer.client
    await peer.client.api._session.aclose()


@pytest.fixture
def number(meta: Meta) -> Number:
    return Number("main", PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN, APP_SECRET, meta.base, ACCOUNT_ID)


async def declared(number: Number, name: str) -> list[Declaration]:
    return await declarations.fetch(number, name)


async def send(number: Number, order: Order) -> None:
    channel = WhatsAppCloudChannel(number)
    outgoing = Outgoing(uuid4(), "main", f"+{PERSON}", order.kind, json.dumps(order.content), None)
    try:
        await channel.send(outgoing, time.monotonic() + 2)
    finally:
        await channel.close()


GOOD: list[tuple[Wanted, list[BaseParams], str]] = [
    (Wanted("hello_world", "en_US"), [], "Welcome and congratulations!!"),
    (
        Wanted("order_ready", "de", ("Dienstag", "a=b")),
        [BodyText.params("Dienstag", "a=b")],  # type: ignore[arg-type]
        "Deine Bestellung ist Dienstag um a=b fertig.",
    ),
    (
        Wanted("reminder", "en_US", ("time=5 pm", "day=Tuesday"), "who=Ana"),
        [HeaderText.params(who="Ana"), BodyText.params(time="5 pm", day="Tuesday")],
        "See you on Tuesday at 5 pm, Tuesday!",
    ),
    (
        Wanted("sale", "en_US", ("20 %",), f"image:{ID}", ("spring", "SPRING20")),
        [
            HeaderImage.params(image=ID),
            BodyText.params("20 %"),  # type: ignore[arg-type]
            URLButton.params(url_variable="spring", index=1),
            CopyCodeButton.params(coupon_code="SPRING20", index=2),
        ],
        "Save 20 % today.",
    ),
    (
        Wanted("menu", "en_US", (), f"document:{ID}"),
        [HeaderDocument.params(document=ID)],
        "Our menu of this week.",
    ),
    (Wanted("clip", "en_US", (), f"video:{ID}"), [HeaderVideo.params(video=ID)], "Look at this."),
]


@pytest.mark.parametrize(("wanted", "params", "words"), GOOD, ids=[wanted.name for wanted, *_ in GOOD])
async def test_a_template_is_what_others_would_send(
    meta: Meta, pywa: WhatsApp, number: Number, wanted: Wanted, params: list[BaseParams], words: str
) -> None:
    order = template.order(wanted, await declared(number, wanted.name))
    assert order.words == words
    await send(number, order)
    await pywa.send_template(PERSON, wanted.name, TemplateLanguage(wanted.language), params=params)
    ours, theirs = (line["meta"] for line in await meta.sends("template"))
    assert ours["template"]["name"] == wanted.name
    assert _plain(ours["template"]) == _plain(theirs["template"])
    assert (ours["to"], ours["type"]) == (theirs["to"], theirs["type"])


def _plain(sent: dict[str, Any]) -> Any:
    """Without what is the same whether it is said or not, and however it is written."""
    words = {"type", "sub_type"}
    components = [
        {name: value.lower() if name in words else value for name, value in part.items()}
        for part in sent.get("components", [])
    ]
    return {"name": sent["name"], "language": sent["language"]["code"], "components": components}


WRONG: list[tuple[Wanted, str]] = [
    (Wanted("Order Ready", "en_US"), "small letters"),
    (Wanted("order_ready", "english"), "en_US or pt_BR"),
    (Wanted("nothing", "en_US"), "no template called nothing"),
    (Wanted("order_ready", "fr"), "it is in de, en_US"),
    (Wanted("tired", "en_US"), "is paused"),
    (Wanted("new_one", "en_US"), "is pending"),
    (Wanted("where", "en_US"), "HEADER LOCATION"),
    (Wanted("order_ready", "en_US"), r"takes 2 parameters in its body \(\{\{1\}\}, \{\{2\}\}\), and 0 were"),
    (Wanted("order_ready", "en_US", ("a", "b", "c")), "takes 2 parameters"),
    (Wanted("order_ready", "en_US", ("a", "b"), "c"), "takes no parameters in its header"),
    (Wanted("order_ready", "en_US", ("a", "b"), None, ("c",)), "takes no values for its buttons"),
    (Wanted("reminder", "en_US", ("Tuesday", "5 pm"), "who=Ana"), "have names"),
    (
        Wanted("reminder", "en_US", ("day=Tuesday", "hour=5"), "who=Ana"),
        r"each once: \{\{day\}\}, \{\{time\}\}",
    ),
    (Wanted("reminder", "en_US", ("day=a", "day=b"), "who=Ana"), "each once"),
    (Wanted("reminder", "en_US", ("day=a", "time=b")), r"in its header, each once: \{\{who\}\}"),
    (Wanted("sale", "en_US", ("20",), None, ("a", "b")), "--header image:MEDIA_ID"),
    (Wanted("sale", "en_US", ("20",), f"video:{ID}", ("a", "b")), "--header image:MEDIA_ID"),
    (Wanted("sale", "en_US", ("20",), "image:cat", ("a", "b")), "KIND:MEDIA_ID"),
    (Wanted("sale", "en_US", ("20",), f"image:{ID}", ("a",)), "takes 2 values"),
    (Wanted("sale", "en_US", ("20",), f"image:{ID}", ("a", "b" * 16)), "at most 15"),
    *(
        (Wanted("order_ready", "en_US", ("a", value)), said)
        for value, said in (
            ("", "empty"),
            ("  ", "empty"),
            ("a\nb", "line break"),
            ("a\tb", "tab"),
            ("a     b", "four blanks"),
            ("x" * 1025, "at most 1024"),
        )
    ),
]


@pytest.mark.parametrize(("wanted", "said"), WRONG)
async def test_what_meta_would_refuse_is_refused_before(number: Number, wanted: Wanted, said: str) -> None:
    found = await declared(number, wanted.name) if wanted.name.islower() and " " not in wanted.name else []
    with pytest.raises(Invalid, match=said):
        template.order(wanted, found)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("nothing", "en_US"),
        Wanted("tired", "en_US"),
        Wanted("order_ready", "en_US", ("a",)),
        Wanted("reminder", "en_US", ("Tuesday", "5 pm"), "Ana"),
        Wanted("sale", "en_US", ("20",), f"video:{ID}", ("a",)),
    ],
)
async def test_where_nobody_can_be_asked_meta_refuses_it(number: Number, wanted: Wanted) -> None:
    order = template.order(wanted, None)
    with pytest.raises(Rejected) as raised:
        await send(number, order)
    assert raised.value.rule == "outbox.template"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("a", "en", ("x", "y=z")), "not mixed"),
        (Wanted("a", "en", ("x",), "who=z"), "both by place, or both by name"),
        (Wanted("a", "en", ("x\n",)), "line break"),
        (Wanted("a", "en", (), "h" * 61), "at most 60"),
        (Wanted("a", "en", (), None, ("",)), "empty"),
    ],
)
def test_what_is_general_is_checked_in_any_case(wanted: Wanted, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        template.order(wanted, None)


async def test_a_template_that_nobody_could_check_is_sent_as_it_was_said(meta: Meta, number: Number) -> None:
    order = template.order(Wanted("order_ready", "en_US", ("Tuesday", "5 pm")), None)
    assert order.words == "[order_ready] Tuesday, 5 pm"
    await send(number, order)
    assert [line["taken"] for line in await meta.sends("template")] == [True]


async def test_only_the_name_that_is_meant_counts_on_every_page(number: Number) -> None:
    found = await declared(number, "order_ready")
    assert sorted((one.name, one.language) for one in found) == [
        ("order_ready", "de"),
        ("order_ready", "en_US"),
    ]
    assert len(await declared(number, "clip")) == 1


async def test_a_wrong_account_or_token_is_said(meta: Meta, number: Number) -> None:
    wrong = Number("main", PHONE_NUMBER_ID, TOKEN, "v", "s", meta.base, "1")
    with pytest.raises(ConfigError, match="WHATSAPP_BUSINESS_ACCOUNT_ID"):
        await declared(wrong, "sale")
    await meta.control(token="another")
    with pytest.raises(ConfigError, match="WHATSAPP_PERMANENT_TOKEN"):
        await declared(number, "sale")
    away = Number("main", PHONE_NUMBER_ID, TOKEN, "v", "s", "http://127.0.0.1:9", ACCOUNT_ID)
    with pytest.raises(ConfigError, match="does not answer"):
        await declared(away, "sale")


async def test_the_stubs_templates_are_templates_to_others(pywa: WhatsApp) -> None:
    pywa.waba_id = ACCOUNT_ID
    found = list(await pywa.get_templates())
    assert {one.name for one in found} >= {"hello_world", "order_ready", "sale", "reminder"}
    sale = next(one for one in found if one.name == "sale")
    assert [type(part).__name__ for part in sale.components] == ["HeaderImage", "BodyText", "Buttons"]


@pytest.mark.parametrize("kind", media.KINDS)
async def test_each_kind_of_media_is_what_others_would_send(
    meta: Meta, pywa: WhatsApp, number: Number, kind: str
) -> None:
    more = {"caption": "Look"} if kind in ("image", "video", "document") else {}
    name = {"filename": "menu.pdf"} if kind == "document" else {}
    order = media.order(f"{kind}:{ID}", **more, **name)
    assert (order.kind, str(order.shown_as), order.words) == (
        DeliveryKind.MEDIA,
        kind,
        more.get("caption", ""),
    )
    await send(number, order)
    await getattr(pywa, f"send_{kind}")(PERSON, ID, **more, **name)
    ours, theirs = (line["meta"] for line in await meta.sends(kind))
    assert _said(ours[kind]) == _said(theirs[kind]) == {"id": ID, **more, **name}
    assert ours["type"] == theirs["type"] == kind


def _said(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if value not in (None, False)}


@pytest.mark.parametrize(
    ("medium", "more", "said"),
    [
        ("picture:1", {}, "one of image, audio"),
        ("image", {}, "KIND:MEDIA_ID"),
        ("image:https://example.com/a.png", {}, "KIND:MEDIA_ID"),
        (f"audio:{ID}", {"caption": "hm"}, "not with audio"),
        (f"sticker:{ID}", {"caption": "hm"}, "not with sticker"),
        (f"image:{ID}", {"caption": " "}, "1 to 1024"),
        (f"image:{ID}", {"caption": "x" * 1025}, "1 to 1024"),
        (f"image:{ID}", {"filename": "a.png"}, "Only a document"),
        (f"document:{ID}", {"filename": "../a"}, "none of them /"),
    ],
)
def test_media_that_meta_would_refuse(medium: str, more: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        media.order(medium, more.get("caption"), more.get("filename"))
