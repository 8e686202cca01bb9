"""The stub of Meta's API against pywa, a client that others wrote: does it speak the true format, is it strict?

pywa 4.5 reads the first item of a POST only, and drops a message without a `user_id` (it still answers 200): so each
item is posted alone here, and its person has an id of Meta's unless the test is about that.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from pywa.errors import ExpiredAccessToken, ReEngagementMessage, WhatsAppError
from pywa.types.message import Message
from pywa.types.templates import TemplateLanguage

from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import PHONE_NUMBER_ID, TOKEN
from tests.stubs.meta_webhooks import body, envelope, signature
from tests.stubs.processes import meta_network
from tests.stubs.pywa_peer import Peer, served

ANA = {"from": "15550100001", "user_id": "US.13491208655302741918", "name": "Ana"}
MEDIA = ("image", "video", "sticker", "document", "audio")


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
async def peer(meta: Meta) -> AsyncIterator[Peer]:
    one = Peer(meta.base)
    async with served(one) as gateway:
        await meta.control(gateway=gateway)
        yield one


async def test_a_text_with_and_without_a_quote(meta: Meta, peer: Peer) -> None:
    first = await meta.says("hello / \u0441", **ANA)
    await meta.says("and?", reply_to=first, at=1750000000.9, **ANA)
    one, two = peer.got
    assert (one.type, one.text, one.id) == ("text", "hello / \u0441", first)
    assert (one.from_user.wa_id, one.from_user.bsuid, one.from_user.name) == (*list(ANA.values()),)
    assert one.metadata.phone_number_id == PHONE_NUMBER_ID
    assert (two.reply_to_message.id, int(two.timestamp.timestamp())) == (first, 1750000000)
    assert b"\\/" in peer.bodies[0], "Meta escapes slashes: only raw bytes have the right signature"


@pytest.mark.parametrize("kind", [*MEDIA, "location", "contacts", "reaction", "order", "unsupported"])
async def test_every_other_kind_of_message(meta: Meta, peer: Peer, kind: str) -> None:
    sent = await meta.sent({"kind": kind, "of": "wamid.OLD", "caption": "look", "filename": "a.pdf", **ANA})
    (got,) = peer.got
    assert isinstance(got, Message)
    assert (got.type, got.id) == (kind, sent)
    content = getattr(got, kind)
    assert content is not None
    if kind in MEDIA:
        assert content.id == "1479537139650973"
        assert getattr(content, "caption", "look") == "look"


async def test_buttons_lists_and_a_changed_number(meta: Meta, peer: Peer) -> None:
    for kind in ("button", "button_reply", "list_reply", "system"):
        await meta.sent({"kind": kind, "text": "Tomorrow", **ANA})
    button, reply, choice, changed = peer.got
    assert (button.title, reply.title, choice.title) == ("Tomorrow",) * 3
    assert (changed.old_wa_id, changed.new_wa_id) == (ANA["from"], "16505551235")


async def test_edits_and_deletions_by_people_and_by_the_owner(meta: Meta, peer: Peer) -> None:
    await meta.edits("wamid.A", "better", ANA["from"], user_id=ANA["user_id"])
    await meta.deletes("wamid.B", ANA["from"], user_id=ANA["user_id"])
    for what in ("text", "image", "edit", "revoke"):
        await meta.owner_says("mine", what=what, of="wamid.C", user_id=ANA["user_id"])
    edited, deleted, *owner = peer.got
    assert (edited.original_message_id, edited.message.text) == ("wamid.A", "better")
    assert deleted.original_message_id == "wamid.B"
    assert [type(one).__name__ for one in owner] == [
        "OutgoingMessage",
        "OutgoingMessage",
        "OutgoingEditedMessage",
        "OutgoingDeletedMessage",
    ]
    assert (owner[0].text, owner[0].to_user.wa_id) == ("mine", ANA["from"])


async def test_somebody_without_a_number_and_somebody_without_an_id(meta: Meta, peer: Peer) -> None:
    await meta.says("by id", None, user_id="US.77", username="@ana")
    await meta.says("by number", "15550100002")
    await meta.says("bare", "15550100002", contacts=False)
    (got,) = peer.got  # it drops the other two, and answers 200
    assert (got.text, got.from_user.wa_id, got.from_user.bsuid) == ("by id", None, "US.77")
    assert len(peer.bodies) == 3
    assert b'"contacts"' not in peer.bodies[2]


async def test_another_client_may_send(meta: Meta, peer: Peer) -> None:
    known = await meta.says("hello", **ANA)
    await meta.control(statuses=["sent", "delivered", "read"])
    client = peer.client
    sent = await client.send_message("15550100001", "hi", reply_to_message_id=known, tracker="intent-1")
    await client.send_message("US.13491208655302741918", "by id")
    await client.send_image("15550100001", "1479537139650973", caption="look")
    await client.send_document("15550100001", "1479537139650973", filename="a.pdf")
    await client.send_location("15550100001", 44.8, 20.4, name="Home")
    await client.send_reaction("15550100001", "\U0001f44d", known)
    await client.send_template("15550100001", "hello_world", TemplateLanguage.ENGLISH_US, params=[])
    assert await client.mark_message_as_read(known)
    assert await client.indicate_typing(known)
    lines = await meta.sends(None)
    assert all(line["taken"] for line in lines)
    assert [line["body"]["type"] for line in lines] == [
        "text", "text", "image", "document", "location", "reaction", "template", "read", "typing"
    ]  # fmt: skip
    assert lines[0]["body"] == {
        "to": "+15550100001", "type": "text", "text": "hi", "quotes": known, "callback": "intent-1"
    }  # fmt: skip
    assert (lines[0]["id"], lines[1]["meta"]["recipient"]) == (sent.id, ANA["user_id"])


async def test_statuses_follow_what_was_taken(meta: Meta, peer: Peer) -> None:
    await meta.control(statuses=True)
    sent = await peer.client.send_message("15550100001", "hi", tracker="intent-1")
    await meta.fault("close", taken=True, statuses=["sent", "failed:131026"])
    with pytest.raises(Exception, match="disconnected"):
        await peer.client.send_message("15550100001", "lost", tracker="intent-2")
    await peer.heard(4)
    raws = peer.bodies
    assert sum(b"intent-2" in raw for raw in raws) == 2
    assert sum(sent.id.encode() in raw.replace(b"\\/", b"/") for raw in raws) == 2


async def test_a_status_as_pywa_reads_it(meta: Meta, peer: Peer) -> None:
    for status in ("sent", "delivered", "read", "failed"):
        item = {"kind": "status", "of": "wamid.X", "status": status, "callback": "intent-1", "code": 131047}
        await meta.sent({**item, **ANA})
    assert [(s.id, s.status, s.tracker) for s in peer.got] == [
        ("wamid.X", status, "intent-1") for status in ("sent", "delivered", "read", "failed")
    ]
    assert isinstance(peer.got[3].error, ReEngagementMessage)
    assert peer.got[0].pricing.category == "service"


REFUSED: list[dict[str, Any]] = [
    {"to": "+15550100001"},
    {"to": None},
    {"to": "15550100001", "recipient": "US.1"},
    {"to": None, "recipient": "15550100001"},
    {"messaging_product": None},
    {"messaging_product": "sms"},
    {"recipient_type": "group"},
    {"text": {"body": "x" * 4097}},
    {"text": {"body": ""}},
    {"text": {"body": 7}},
    {"text": {"body": "x", "colour": "red"}},
    {"text": "x"},
    {"text": None},
    {"colour": "red"},
    {"type": "image"},
    {"context": {"message_id": "wamid.NOBODY"}},
    {"context": {"id": "wamid.NOBODY"}},
    {"biz_opaque_callback_data": "x" * 513},
    {"text": None, "type": "image", "image": {"id": "1", "link": "https://a.b/c"}},
    {"text": None, "type": "image", "image": {}},
    {"text": None, "type": "audio", "audio": {"id": "1", "caption": "no"}},
    {"text": None, "type": "template", "template": {"name": "Hello World", "language": {"code": "en_US"}}},
    {"text": None, "type": "template", "template": {"name": "hello_world", "language": "en_US"}},
    {"text": None, "type": "template", "template": {"name": "hello", "language": {"code": "en"}, "components": [
        {"type": "body", "parameters": [{"type": "text"}]}]}},
    {"type": None, "to": None, "text": None, "status": "read", "message_id": "wamid.NOBODY"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", REFUSED, ids=lambda wrong: str(wrong)[:60])
async def test_what_meta_does_not_document_is_refused(meta: Meta, wrong: dict[str, Any]) -> None:
    right = {"messaging_product": "whatsapp", "to": "15550100001", "type": "text", "text": {"body": "x"}}
    asked = {name: value for name, value in (right | wrong).items() if value is not None}
    assert await _ask(meta, right) == (200, None)
    assert await _ask(meta, asked) == (400, 100)
    assert [line["taken"] for line in await meta.sends(None)] == [True, False]


async def _ask(meta: Meta, asked: dict[str, Any], **headers: str) -> tuple[int, int | None]:
    url = f"{meta.base}/v23.0/{PHONE_NUMBER_ID}/messages"
    headers = {"Authorization": f"Bearer {TOKEN}"} | headers
    async with aiohttp.ClientSession() as session, session.post(url, json=asked, headers=headers) as answer:
        return answer.status, (await answer.json()).get("error", {}).get("code")


async def test_the_wrong_content_type_token_and_number(meta: Meta) -> None:
    right = {"messaging_product": "whatsapp", "to": "15550100001", "type": "text", "text": {"body": "x"}}
    assert await _ask(meta, right, **{"Content-Type": "text/plain"}) == (400, 100)
    assert await _ask(meta, right, Authorization="Bearer stolen") == (401, 190)
    stranger = Peer(meta.base, "stolen")
    with pytest.raises(ExpiredAccessToken):
        await stranger.client.send_message("15550100001", "hi")
    await stranger.client.api._session.aclose()


@pytest.mark.parametrize("code", [131047, 131056, 130429, 190, 131026, 131016])
async def test_errors_on_demand(meta: Meta, peer: Peer, code: int) -> None:
    await meta.fault(code, times=2)
    for _ in range(2):
        with pytest.raises(WhatsAppError) as raised:
            await peer.client.send_message("15550100001", "hi")
        assert raised.value.code == code
    await peer.client.send_message("15550100001", "hi")
    assert await meta.texts() == ["hi"]


async def test_bad_answers_on_demand(meta: Meta) -> None:
    url = f"{meta.base}/v23.0/{PHONE_NUMBER_ID}/messages"
    right = {"messaging_product": "whatsapp", "to": "15550100001", "type": "text", "text": {"body": "x"}}
    await meta.control(faults=[{"fault": name, "seconds": 0.3} for name in
                               ("500", "hang", "close", "half", "garbage", "drip", "slow")])  # fmt: skip
    ended = []
    headers, patience = {"Authorization": f"Bearer {TOKEN}"}, aiohttp.ClientTimeout(0.8)
    async with aiohttp.ClientSession(headers=headers, timeout=patience) as session:
        for _ in range(7):
            try:
                async with session.post(url, json=right) as answer:
                    ended.append(f"{answer.status} {len(await answer.text()) > 0}")
            except (aiohttp.ClientError, TimeoutError) as error:
                ended.append(type(error).__name__)
    assert ended == [
        "500 False", "TimeoutError", "ServerDisconnectedError", "ClientPayloadError", "200 True", "200 True", "200 True"
    ]  # fmt: skip
    assert [line["taken"] for line in await meta.sends()] == [False] * 3 + [True] * 4


async def test_it_delivers_again_until_it_is_answered_with_200(meta: Meta, peer: Peer) -> None:
    peer.refuses = 2
    answers = (await meta.deliver([{"kind": "text", "text": "hi", **ANA}]))["answers"]
    assert answers == [[200, 3]]
    assert (await meta.state())["answered"] == {"503": 2, "200": 1}
    wrong = await meta.deliver([{"kind": "text", "text": "no", **ANA}], signature="wrong", patience=0)
    none = await meta.deliver([{"kind": "text", "text": "no", **ANA}], signature="none", patience=0)
    assert {wrong["answers"][0][0], none["answers"][0][0]} <= {400, 401, 403}
    assert [got.text for got in peer.got] == ["hi"]


@pytest.mark.parametrize("group", ["changes", "values", "entries"])
async def test_a_thousand_items_five_times_in_any_order(meta: Meta, peer: Peer, group: str) -> None:
    items: list[dict[str, Any]] = [{"kind": "text", "text": str(number), **ANA} for number in range(198)]
    items += [{"kind": "poison", "message": None}, {"kind": "raw", "field": "novelty", "value": {"new": [1]}}]
    done = await meta.deliver(items, times=5, shuffle=True, seed=1, batch=1000, group=group)
    assert [status for status, _ in done["answers"]] == [200]
    raw = peer.bodies[0]
    assert all(raw.count(f'"{i}"'.encode().replace(b"/", b"\\/")) == 5 for i in done["ids"] if i)
    assert raw.count(b"novelty") == 5


async def test_people_write_by_themselves(meta: Meta, peer: Peer) -> None:
    await meta.control(people=8, quota=5, batch=10)
    deadline = time.monotonic() + 20
    while (state := await meta.state())["accepted"] < 40 or state["posting"]:
        assert time.monotonic() < deadline, state
        await asyncio.sleep(0.05)
    assert state["answered"]["200"] == len(peer.bodies) <= 44


async def test_what_doctor_asks(meta: Meta, peer: Peer) -> None:
    number = await peer.client.get_business_phone_number()
    assert number.id == PHONE_NUMBER_ID
    await meta.control(skew=3600)
    url, headers = f"{meta.base}/v23.0/{PHONE_NUMBER_ID}", {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(url, params={"fields": "verified_name,throughput"}) as answer:
            assert set(await answer.json()) == {"id", "verified_name", "throughput"}
            here = parsedate_to_datetime(answer.headers["Date"])
        async with session.get(url, params={"fields": "shoe_size"}) as answer:
            assert answer.status == 400
        await meta.control(skew=0)
        async with session.get(url) as answer:
            there = parsedate_to_datetime(answer.headers["Date"])
    assert 3590 < (here - there).total_seconds() < 3610


def test_the_signature_is_over_the_bytes() -> None:
    raw = body(envelope([{"kind": "text", "id": "wamid.1", "text": "\u00e9/", **ANA}]))
    assert signature(raw) != signature(raw.replace(b"\\/", b"/"))
    with pytest.raises(KeyError):
        envelope([{"kind": "nonsense", "id": "wamid.1"}])
