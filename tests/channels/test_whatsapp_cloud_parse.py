"""What Meta posts becomes what the inbox takes: each kind, each way of naming a person, and anything at all."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import secondme.channels.whatsapp_cloud as channel
from secondme.channels.whatsapp_cloud import Parsed, parse
from secondme.domain.message import Kind

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NUMBER = "106540352242922"
PERSON, USER_ID = "16505551234", "US.13491208655302741918"
FIXTURES: dict[str, Any] = json.loads((Path(channel.__file__).parent / "fixtures/messages.json").read_text())


def value(items: list[Any], place: str = "messages", **more: Any) -> dict[str, Any]:
    contacts = [{"profile": {"name": "Sheena Nelson"}, "wa_id": PERSON, "user_id": USER_ID}]
    metadata = {"display_phone_number": "15550783881", "phone_number_id": NUMBER}
    return {
        "messaging_product": "whatsapp",
        "metadata": metadata,
        "contacts": contacts,
        place: items,
        **more,
    }


def body(*values: Any, field: str = "messages") -> dict[str, Any]:
    changes = [{"field": field, "value": one} for one in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}


def message(**content: Any) -> dict[str, Any]:
    return {
        "from": PERSON,
        "from_user_id": USER_ID,
        "id": "wamid.A",
        "timestamp": "1763640000",
        **content,
    }


def read(payload: Any) -> Parsed:
    return parse(payload, {NUMBER: "main"}, NOW)


@pytest.mark.parametrize("name", FIXTURES)
def test_each_kind(name: str) -> None:
    case = FIXTURES[name]
    (inbound,) = read(body(value([message(**case["content"])]))).messages
    expected = {"kind": "unknown", "text": "", "target": None, "quotes": None} | case["expected"]
    assert {key: getattr(inbound, key) for key in expected} == expected
    assert (inbound.address, inbound.also, inbound.name) == (f"+{PERSON}", USER_ID, "Sheena Nelson")
    assert inbound.sent_at == datetime(2025, 11, 20, 12, 0, tzinfo=UTC)
    assert (inbound.provider_id, inbound.account_id, inbound.from_me) == ("wamid.A", "main", False)
    assert inbound.raw["id"] == "wamid.A", "media ids are in the raw payload"


WHO = [
    ({"from": PERSON}, None, f"+{PERSON}", None),
    ({"from": PERSON, "from_user_id": USER_ID}, None, f"+{PERSON}", USER_ID),
    ({"from_user_id": USER_ID}, None, USER_ID, None),
    ({"from": PERSON}, {"wa_id": PERSON, "user_id": USER_ID}, f"+{PERSON}", USER_ID),
    ({}, {"wa_id": PERSON, "user_id": USER_ID}, f"+{PERSON}", USER_ID),
    ({}, {"user_id": USER_ID}, USER_ID, None),
    ({"from": USER_ID}, None, USER_ID, None),
    ({"from_user_id": "IN.ENT.11815799212886844830"}, None, "IN.ENT.11815799212886844830", None),
]


@pytest.mark.parametrize(("who", "contact", "address", "also"), WHO)
def test_who_wrote(who: Any, contact: Any, address: str, also: str | None) -> None:
    item = {"id": "wamid.A", "timestamp": 1763640000, "type": "text", "text": {"body": "hi"}, **who}
    contacts = [] if contact is None else [{"profile": {"username": "@sheena"}, **contact}]
    (inbound,) = read(body(value([item], contacts=contacts))).messages
    assert (inbound.address, inbound.also) == (address, also)
    assert inbound.name == (None if contact is None else "@sheena")


def test_names_of_a_batch_are_not_mixed_up() -> None:
    people = [{"profile": {"name": f"N{n}"}, "wa_id": f"1555010000{n}"} for n in range(3)]
    items = [
        {**message(type="text", text={"body": "hi"}), "from": f"1555010000{n}", "from_user_id": None}
        for n in (2, 0)
    ]
    found = read(body(value(items, contacts=people))).messages
    assert [m.name for m in found] == ["N2", "N0"]


def test_nobody_named_is_kept_aside_when_there_are_several() -> None:
    items = [{"id": f"wamid.{n}", "type": "text", "text": {"body": "hi"}} for n in range(2)]
    parsed = read(body(value(items)))
    assert (len(parsed.messages), len(parsed.poison)) == (0, 2)


def test_what_the_owner_wrote_in_the_app() -> None:
    echo = {"from": "15550783881", "to": PERSON, "id": "wamid.E", "timestamp": "1763640000"}
    items = [
        {**echo, "type": "text", "text": {"body": "mine"}},
        {**echo, "type": "edit", "edit": FIXTURES["an edit"]["content"]["edit"]},
        {**echo, "type": "revoke", "revoke": {"original_message_id": "wamid.Z"}},
    ]
    text, edit, gone = read(body(value(items, "message_echoes"), field="smb_message_echoes")).messages
    assert all((m.from_me, m.address, m.also) == (True, f"+{PERSON}", USER_ID) for m in (text, edit, gone))
    assert (text.kind, text.text) == (Kind.TEXT, "mine")
    assert (edit.kind, edit.text, edit.target) == (Kind.EDIT, "better words", "wamid.Z")
    assert (gone.kind, gone.target) == (Kind.DELETION, "wamid.Z")


def test_statuses() -> None:
    words = [
        {"id": "wamid.O", "status": "sent", "biz_opaque_callback_data": "d-1", "recipient_id": PERSON},
        {"id": "wamid.O", "status": "delivered", "recipient_user_id": USER_ID},
        {"id": "wamid.O", "status": "read", "contacts": None},
        {"id": "wamid.O", "status": "failed", "errors": [{"code": 131047, "title": "Re-engagement"}]},
        {"id": "wamid.O", "status": "failed"},
        {"id": "wamid.O", "status": "warning"},
        {"status": "sent"},
    ]
    parsed = read(body({**value([], statuses=words), "contacts": None}))
    assert [(s.progress, s.callback, s.rule) for s in parsed.statuses] == [
        ("sent", "d-1", None),
        ("delivered", None, None),
        ("read", None, None),
        ("failed", None, "outbox.window_closed"),
        ("failed", None, "outbox.rejected"),
    ]
    assert (parsed.other["status"], len(parsed.poison)) == (1, 1)


@pytest.mark.parametrize(
    "when", [None, "soon", "", "1e400", -(10**20), 10**30, float("nan"), True, {"at": 1}]
)
def test_a_time_that_is_none_is_now(when: Any) -> None:
    item = {**message(type="text", text={"body": "hi"}), "timestamp": when}
    assert read(body(value([item]))).messages[0].sent_at == NOW


def test_milliseconds_are_a_time_too() -> None:
    item = {**message(type="text", text={"body": "hi"}), "timestamp": "1763640000123"}
    assert read(body(value([item]))).messages[0].sent_at.year == 2025


@pytest.mark.parametrize("field", ["account_update", "message_template_status_update", "history", "made_up"])
def test_other_fields_are_counted_by_names_that_we_know(field: str) -> None:
    parsed = read(body({"event": "X"}, field=field))
    assert dict(parsed.other) == {"unknown_field" if field == "made_up" else field: 1}
    assert not parsed.messages and not parsed.poison


def test_an_unknown_number_is_kept_aside_and_counted_and_a_group_counted() -> None:
    stray = value([message(type="text", text={"body": "hi"})] * 3)
    stray["metadata"]["phone_number_id"] = "1"
    group = value([message(type="text", text={"body": "hi"}, group_id="g-1")])
    parsed = read(body(stray, group))
    assert dict(parsed.other) == {"unknown_number": 3, "group": 1}
    assert {(p.account_id, p.error) for p in parsed.poison} == {("main", "unknown_number")}
    assert [json.loads(p.payload)["messages"] for p in parsed.poison] == [[m] for m in stray["messages"]]
    assert len({p.address for p in parsed.poison} - {None}) == 1


POISON = [
    "a string",
    7,
    None,
    {},
    {"from": PERSON, "type": "text"},
    {"from": PERSON, "id": "wamid.A", "type": "text", "text": "hi"},
    {"from": PERSON, "id": 7, "type": "text", "text": {"body": "hi"}},
    {"from": PERSON, "id": "", "type": "text", "text": {"body": "hi"}},
    {"from": PERSON, "id": "x" * 301, "type": "text", "text": {"body": "hi"}},
    {"from": PERSON, "id": "a\nb", "type": "text", "text": {"body": "hi"}},
    {"from": PERSON, "id": "wamid.A", "type": "edit", "edit": {"original_message_id": "wamid.Z"}},
    {"from": PERSON, "id": "wamid.A", "type": "revoke"},
    {"from": PERSON, "id": "wamid.A", "type": "reaction", "reaction": {"emoji": "x"}},
    {"from": "\u202e" * 3, "id": "wamid.A", "type": "text", "text": {"body": "hi"}},
]


@pytest.mark.parametrize("poison", POISON)
def test_poison_is_kept_aside_and_the_rest_goes_on(poison: Any) -> None:
    good = message(type="text", text={"body": "hi"})
    parsed = read(body(value([good, poison, good])))
    assert [m.text for m in parsed.messages] == ["hi", "hi"]
    assert [json.loads(p.payload) for p in parsed.poison] == [poison]


@pytest.mark.parametrize(
    "shape", [None, [], "x", 7, {}, {"entry": 3}, {"entry": [3]}, {"entry": [{"changes": [None]}]}]
)
def test_a_body_of_another_shape_is_kept_whole(shape: Any) -> None:
    parsed = read(shape)
    assert [json.loads(p.payload) for p in parsed.poison] == [shape]
    assert not parsed.messages


def test_what_is_nested_too_deep_is_kept_aside() -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    assert len(read(body(value([message(type="text", text={"body": "hi"}, more=deep)]))).poison) == 1


def test_half_a_character_and_a_nul_can_be_stored() -> None:
    item = message(type="text", text={"body": "a\x00b\ud800c"})
    assert read(body(value([item]))).messages[0].text == "ab?c"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CONTENTS = [case["content"] for case in FIXTURES.values()]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A message with some of its values, at any depth, replaced, dropped or renamed."""
    item = json.loads(json.dumps(message(**draw(st.sampled_from(CONTENTS)))))
    for _ in range(draw(st.integers(0, 4))):
        place = item
        while True:
            if not isinstance(place, dict) or not place:
                break
            key = draw(st.sampled_from(sorted(place)))
            if isinstance(place[key], dict) and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                place[key] = draw(JSON)
            else:
                del place[key]
            break
    return item


def accounted(parsed: Parsed) -> int:
    return len(parsed.messages) + len(parsed.poison) + parsed.other.total()


@settings(max_examples=400, deadline=None)
@given(st.lists(mutated() | JSON, min_size=1, max_size=5), st.booleans())
def test_every_item_is_taken_kept_aside_or_counted(items: list[Any], from_me: bool) -> None:
    place, field = ("message_echoes", "smb_message_echoes") if from_me else ("messages", "messages")
    parsed = read(body(value(items, place), field=field))
    assert accounted(parsed) == len(items)
    for inbound in parsed.messages:
        inbound.text.encode()
        assert inbound.address and inbound.provider_id and inbound.raw in items


@settings(max_examples=300, deadline=None)
@given(JSON, JSON, JSON)
def test_no_body_makes_it_raise(whole: Any, change: Any, inside: Any) -> None:
    assert accounted(read(whole)) or (isinstance(whole, dict) and whole.get("entry") == [])
    assert accounted(read({"entry": [{"changes": [change]}]}))
    assert accounted(read(body(inside))) == 1
    assert accounted(read(body({**value([]), "messages": inside}))) >= (inside != [])
