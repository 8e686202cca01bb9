"""The gateway over HTTP: what simulated phones may say, and what they get to see."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.web.phone import ANA, Phones, phones_fixture

__all__ = ["phones_fixture"]


async def test_a_message_is_durable_when_it_is_answered(phones: Phones) -> None:
    for number in range(5):
        await phones.says(f"n{number}")
        assert await phones.stored() == number + 1


async def test_a_thread_shows_both_sides_in_order(phones: Phones) -> None:
    await phones.says("one")
    await phones.world.settled()
    await phones.says("two")
    await phones.world.settled()
    items = await phones.thread()
    assert [(i["direction"], i["by"], i["text"], i["status"]) for i in items] == [
        ("incoming", "contact", "one", "replied"),
        ("outgoing", "bot", "re: one", "delivered"),
        ("incoming", "contact", "two", "replied"),
        ("outgoing", "bot", "re: two", "delivered"),
    ]
    times = [datetime.fromisoformat(i["at"]) for i in items]
    assert times == sorted(times)
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=2) for at in times)
    assert all({"direction", "text", "at", "quotes", "status"} <= i.keys() for i in items)


async def test_a_number_may_be_spelled_as_people_do(phones: Phones) -> None:
    await phones.says(who="+1 555-0100")
    for spelled in ("%2B15550100", "+15550100", "15550100", "%2B1%20(555)%200100"):
        status, items = await phones.ask("GET", f"/simulator/messages?with={spelled}")
        assert (status, [i["text"] for i in items if i["direction"] == "incoming"]) == (200, ["hi"])


async def test_threads_are_kept_apart(phones: Phones) -> None:
    await phones.says("dear diary", account="journal")
    await phones.says("hello", who="ben@lid")
    assert await phones.thread("+15550199") == []
    assert await phones.thread() == []
    assert [i["text"] for i in await phones.thread(account="journal")][:1] == ["dear diary"]
    assert [i["text"] for i in await phones.thread("ben@lid")][:1] == ["hello"]


async def test_a_reply_quotes_what_it_replies_to(phones: Phones) -> None:
    assert await phones.says("which one?", messageId="wamid.1") == "wamid.1"
    await phones.world.settled()
    ours = (await phones.thread())[1]["id"]
    await phones.says("that one", replyTo="wamid.1")
    await phones.says("your own words", replyTo=ours)
    await phones.says("nothing that is known", replyTo="wamid.404")
    quotes = {i["text"]: i["quotes"] for i in await phones.thread()}
    assert (quotes["which one?"], quotes["that one"]) == (None, "wamid.1")
    assert quotes["your own words"] == ours
    assert quotes["nothing that is known"] is None


async def test_the_owners_own_message_is_outgoing_and_pauses(phones: Phones) -> None:
    await phones.says("I am here", fromMe=True)
    await phones.says("oh, hello")
    await phones.world.settled()
    assert [(i["direction"], i["by"], i["status"], i["rule"]) for i in await phones.thread()] == [
        ("outgoing", "owner", "sent", None),
        ("incoming", "contact", "silent", "contact.paused"),
    ]


async def test_the_same_message_twice_is_one(phones: Phones) -> None:
    assert await phones.says("hi", messageId="m1") == "m1"
    assert await phones.says("other words", messageId="m1") == "m1"
    await asyncio.gather(*(phones.says("hi", messageId="m2") for _ in range(10)))
    await phones.says("mine", who="+15550101", messageId="m1")
    await phones.world.settled()
    texts = [i["text"] for i in await phones.thread() if i["direction"] == "incoming"]
    assert texts == ["hi", "hi"]
    assert [i["text"] for i in await phones.thread("+15550101")] == ["mine", "re: mine"]


async def test_edits_and_deletions_change_the_thread(phones: Phones) -> None:
    await phones.says("frist", messageId="a")
    await phones.says("secret", messageId="b")
    await phones.says("first", edits="a")
    assert (await phones.post(**{"from": ANA, "deletes": "b"}))[0] == 200
    await phones.says("👍", reactsTo="a")
    await phones.world.settled()
    items = [(i["kind"], i["text"], i["status"]) for i in await phones.thread()]
    assert items[:2] == [("text", "first", "replied"), ("text", None, "silent")]
    assert ("reaction", "👍", "silent") in items
    assert "secret" not in json.dumps(items)


async def test_a_status_moves_the_ticks_forward_only(phones: Phones) -> None:
    await phones.says()
    await phones.world.settled()
    ours = (await phones.thread())[1]["id"]
    for status, shown in (("delivered", "delivered"), ("read", "read"), ("delivered", "read")):
        answer = await phones.post("/simulator/statuses", messageId=ours, status=status)
        assert answer == (200, {"ok": True})
        assert (await phones.thread())[1]["status"] == shown


async def test_a_failure_that_is_learned_later_is_shown(phones: Phones) -> None:
    await phones.says()
    await phones.world.settled()
    ours = (await phones.thread())[1]["id"]
    await phones.post("/simulator/statuses", messageId=ours, status="failed")
    assert "delivered" not in [i["status"] for i in await phones.thread()]


async def test_a_status_of_somebody_elses_message_is_taken_and_ignored(phones: Phones) -> None:
    assert (await phones.post("/simulator/statuses", messageId="wamid.404", status="read"))[0] == 200


@pytest.mark.parametrize("text", ["a\x00b\ud83d\u202ec", "x" * 100_000, " "])
async def test_no_text_is_refused(phones: Phones, text: str) -> None:
    """Not even what no store can hold: a NUL goes, half a surrogate pair becomes a question mark."""
    status, _ = await phones.raw(json.dumps({"from": ANA, "text": text}).encode())
    assert status == 200
    await phones.world.settled()
    shown = (await phones.thread())[0]["text"]
    assert shown == text.replace("\x00", "").replace("\ud83d", "?")


async def test_health_says_how_it_is(phones: Phones) -> None:
    for status, code in (("ok", 200), ("degraded", 200), ("down", 503)):
        phones.health["status"] = status
        assert await phones.ask("GET", "/health") == (code, phones.health)


async def test_metrics_count_and_name_nobody(phones: Phones) -> None:
    await phones.says("unmistakable", name="Unmistakable")
    await phones.world.settled()
    async with phones.session.get(f"{phones.base}/metrics") as answer:
        text = await answer.text()
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'messages_received_total{channel="simulator"}' in text
    assert 'secondme_receipts_total{outcome="replied",rule="contact.enabled"}' in text
    assert "nmistakable" not in text
    assert "15550100" not in text
