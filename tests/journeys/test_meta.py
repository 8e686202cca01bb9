"""People write over Meta's API: each message is answered once, to whom it came from, quoting what it should."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.journeys.conftest import Open
from tests.stubs.meta_graph import VERIFY_TOKEN
from tests.stubs.meta_webhooks import Item, body, envelope, signature

ANA = "15550100001"
CONTACTS = "SELECT count(*) FROM contacts"


def _text(text: str, who: str = ANA, **more: Any) -> Item:
    return {"kind": "text", "from": who, "name": "Ana", "text": text, **more}


@pytest.mark.parametrize("profile", ["clone", "support", "journal"])
@pytest.mark.parametrize("group", ["changes", "values", "entries"])
async def test_each_webhook_five_times_in_any_order_is_answered_once(
    journey: Open, profile: str, group: str
) -> None:
    async with journey(profile) as told:
        people = [f"155501{number:05d}" for number in range(8)]
        items = [_text(f"{who} {n}", who) for n in range(5) for who in people]
        done = await told.meta.deliver(
            items, times=5, shuffle=True, seed=profile, batch=40, concurrent=3, group=group
        )
        assert {status for status, _ in done["answers"]} == {200}
        await told.settled(20)
        assert Counter(await told.receipts()) == {("replied", "contact.enabled"): 40}
        for who in people:
            texts = await told.meta.texts(f"+{who}")
            assert sorted(texts) == [f"re: {who} {n}" for n in range(5)]
        assert len(await told.meta.sends()) == 40


async def test_a_thousand_items_in_one_post(journey: Open) -> None:
    async with journey("journal") as told:
        items = [_text(f"n{n}", f"155502{n % 250:05d}") for n in range(1000)]
        done = await told.meta.deliver(items, batch=1000, group="values")
        assert done["answers"] == [[200, 1]]
        await told.settled(60)
        assert Counter(await told.meta.texts()) == Counter(f"re: n{n}" for n in range(1000))


async def test_a_late_message_is_answered_alone_and_quoted(journey: Open) -> None:
    async with journey("clone") as told:
        now = told.world.clock.now().timestamp()
        await told.meta.says("newer", at=now)
        await told.settled()
        late = await told.meta.says("older", at=now - 60)
        await told.settled()
        assert await told.contexts() == {"re: newer": None, "re: older": late}


async def test_a_message_of_last_week_is_kept_and_never_answered(journey: Open) -> None:
    async with journey("journal") as told:
        await told.meta.says("old", at=(told.world.clock.now() - timedelta(days=7, seconds=5)).timestamp())
        await told.settled()
        ((outcome, _),) = await told.receipts()
        assert (outcome, await told.meta.sends(None)) == ("silent", [])


async def test_an_edit_before_the_answer_replaces_the_text(journey: Open) -> None:
    async with journey("clone", debounce=timedelta(seconds=0.6), debounce_cap=timedelta(seconds=5)) as told:
        first = await told.meta.says("at five")
        await told.meta.edits(first, "at six")
        await told.settled()
        assert await told.meta.texts() == ["re: at six"]


async def test_an_edit_while_the_mind_thinks_is_what_gets_the_answer(journey: Open) -> None:
    async with journey("journal") as told:
        told.mind.hold()
        first = await told.meta.says("at five")
        await told.mind.at_work()
        await told.meta.edits(first, "at six")
        told.mind.may.set()
        await told.settled()
        assert await told.meta.texts() == ["re: at six"]


async def test_a_deletion_before_the_answer_silences_it_and_erases(journey: Open) -> None:
    async with journey("journal") as told:
        told.mind.hold()
        first = await told.meta.says("regret")
        await told.mind.at_work()
        await told.meta.deletes(first)
        told.mind.may.set()
        await told.settled()
        await told.quiet()
        assert await told.meta.sends() == []
        assert (await told.receipts())[0][0] == "silent"
        held = "SELECT text IS NULL FROM messages WHERE content_type = 'text'"
        assert await told.world.value(held), "its text is still there"


@pytest.mark.parametrize(("kind", "expected"), [("edit", ["re: better"]), ("revoke", [])])
async def test_what_overtakes_its_message_applies_to_it(
    journey: Open, kind: str, expected: list[str]
) -> None:
    async with journey("journal") as told:
        await told.meta.sent({"kind": kind, "from": ANA, "of": "wamid.LATE", "text": "better"})
        await told.meta.says("first", id="wamid.LATE")
        await told.settled()
        await told.quiet()
        assert await told.meta.texts() == expected


KINDS = {
    "image": "image", "audio": "audio", "video": "video", "document": "document", "sticker": "sticker",
    "location": "location", "contacts": "contacts", "order": "unknown", "unsupported": "unknown",
    "button": "text", "button_reply": "text", "list_reply": "text",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "kept"), KINDS.items())
async def test_whatever_somebody_sends_is_kept_with_its_type(journey: Open, kind: str, kept: str) -> None:
    async with journey("journal") as told:
        await told.meta.sent({"kind": kind, "from": ANA, "text": "Tomorrow"})
        await told.settled()
        assert await told.world.value("SELECT content_type FROM messages") == kept
        spoken = kept == "text"
        assert [outcome for outcome, _ in await told.receipts()] == ["replied" if spoken else "silent"]
        assert await told.meta.texts() == (["re: Tomorrow"] if spoken else [])


@pytest.mark.parametrize("kind", ["reaction", "system"])
async def test_a_reaction_and_a_word_of_the_network_are_never_answered(journey: Open, kind: str) -> None:
    async with journey("journal") as told:
        first = await told.meta.says("hi")
        await told.settled()
        await told.meta.sent({"kind": kind, "from": ANA, "of": first})
        await told.settled()
        await told.quiet()
        assert await told.meta.texts() == ["re: hi"]


async def test_one_person_by_number_by_id_and_by_both(journey: Open) -> None:
    async with journey("clone") as told:
        await told.meta.says("by number", ANA)
        await told.settled()
        await told.meta.says("by both", ANA, user_id="US.77")
        await told.settled()
        await told.meta.says("by id", None, user_id="US.77")
        await told.settled()
        assert await told.world.value(CONTACTS) == 1
        assert await told.meta.texts(f"+{ANA}") == ["re: by number", "re: by both", "re: by id"]


async def test_somebody_without_a_number_is_answered_by_id(journey: Open) -> None:
    async with journey("clone") as told:
        await told.meta.says("hi", None, user_id="DE.Ab12", contacts=False)
        await told.settled()
        (send,) = await told.meta.sends()
        assert send["meta"]["recipient"] == "DE.Ab12"
        assert "to" not in send["meta"]
        assert send["taken"]


async def test_many_first_messages_at_once_make_one_person(journey: Open) -> None:
    async with journey("journal") as told:
        both = {"user_id": "US.77"}
        ways: list[Item] = [{}, both, {"contacts": False}, both | {"contacts": False}]
        items = [_text(f"{n}", **ways[n % 4]) for n in range(40)]
        await told.meta.deliver(items, concurrent=40)
        await told.settled(20)
        assert await told.world.value(CONTACTS) == 1
        assert len(await told.meta.texts(f"+{ANA}")) == 40


async def test_the_last_minutes_messages_are_in_redis(journey: Open) -> None:
    """The documented `messages:{userId}`: what came more than a minute ago by the machine's clock is pruned."""
    async with journey("journal", still=True) as told:
        clock = told.world.clock
        for seconds in (-70, 20, 50):
            clock.jump(timedelta(seconds=seconds))
            await told.meta.says(f"at {seconds}")
            await told.settled()
        key = f"messages:{await told.world.value('SELECT id FROM contacts')}"
        recent = "SELECT array_agg(id::text ORDER BY seq) FROM messages WHERE seq > (SELECT min(seq) FROM messages)"
        found = await told.world.signals._wire.calls.zrange(key, 0, -1)
        assert found == await told.world.value(recent)


async def test_meta_may_ask_whether_this_is_ours(journey: Open, browser: aiohttp.ClientSession) -> None:
    async with journey() as told:
        asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
        for path in ("/webhooks/whatsapp", "/webhooks/whatsapp/main"):
            async with browser.get(told.gateway + path, params=asked) as answer:
                assert (answer.status, await answer.text()) == (200, "1158201444")
            async with browser.get(told.gateway + path, params=asked | {"hub.verify_token": "guess"}) as no:
                assert no.status == 403
                assert "1158201444" not in await no.text()


@pytest.mark.parametrize("signed", ["wrong", "none"])
async def test_what_is_not_signed_by_meta_leaves_no_trace(journey: Open, signed: str) -> None:
    async with journey() as told:
        done = await told.meta.deliver([_text("let me in")], signature=signed, patience=0)
        assert done["answers"] == [[401, 1]]
        await told.quiet(0.3)
        for table in ("messages", "contacts", "kept_aside"):
            assert await told.world.value(f"SELECT count(*) FROM {table}") == 0


async def test_the_signature_is_that_of_the_bytes(journey: Open, browser: aiohttp.ClientSession) -> None:
    """The same JSON written otherwise is not what Meta signed."""
    async with journey() as told:
        payload = envelope([_text("a/b", id="wamid.1")])
        for raw, expected in ((body(payload), 200), (json.dumps(payload).encode(), 401)):
            headers = {"X-Hub-Signature-256": signature(body(payload)), "Content-Type": "application/json"}
            async with browser.post(f"{told.gateway}/webhooks/whatsapp", data=raw, headers=headers) as answer:
                assert answer.status == expected
