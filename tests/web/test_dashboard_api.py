"""What the page asks and does, over HTTP, against the running services."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import aiohttp

from secondme.embedded import Addresses
from secondme.pipeline.judge import RULES
from secondme.web.dashboard.rules import RULES as WORDS
from tests.web.conftest import Desk, eventually, opened


async def enabled(desk: Desk, who: str = "+15550100") -> str:
    """A conversation whose contact is enabled."""
    conversation = (await desk.says("first", who))["conversationId"]
    await desk.until(conversation, lambda bubbles: bubbles[0]["status"] == "silent")
    assert (await desk.post(f"/api/conversations/{conversation}/enable"))[0] == 204
    return str(conversation)


async def test_a_new_contact_is_not_answered_and_says_why(desk: Desk) -> None:
    conversation = (await desk.says("hello?"))["conversationId"]
    bubbles = await desk.until(conversation, lambda found: found[0]["status"] == "silent")
    assert bubbles[0]["reason"] == "contact not enabled"
    _, why = await desk.get(f"/api/why/{bubbles[0]['id']}")
    assert (why["outcome"], why["rule"]) == ("silent", "contact.disabled")
    assert "may be answered" in why["sentence"]
    assert why["steps"][0]["label"] == "Received and kept"
    assert why["steps"][-1]["mark"] == "no"


async def test_an_enabled_contact_is_answered_with_a_journey(desk: Desk) -> None:
    conversation = await enabled(desk)
    await desk.says("hi there")
    bubbles = await desk.until(
        conversation, lambda found: found[-1]["by"] == "bot" and found[-2]["status"] == "replied"
    )
    reply = bubbles[-1]
    assert reply["status"] == "delivered"
    assert bubbles[-2]["seen"]
    _, why = await desk.get(f"/api/why/{reply['id']}")
    labels = [step["label"] for step in why["steps"]]
    assert labels[:5] == [
        "Received and kept",
        "Waited for the burst to end",
        "Judged",
        "Recalled",
        "Composed",
    ]
    assert labels[-1] == "Sent, delivered"
    moments = [step["afterMs"] for step in why["steps"]]
    assert moments == sorted(moments)
    assert why["mind"] == "offline" and why["offline"]


async def test_people_show_state_preview_and_unread(desk: Desk) -> None:
    conversation = await enabled(desk)
    await desk.says("a\nb   c " + "x" * 200)
    await desk.until(conversation, lambda found: found[-1]["by"] == "bot")
    _, found = await desk.get("/api/people")
    person = found["people"][0]
    assert (person["name"], person["address"], person["state"]) == ("Ana", "+15550100", "enabled")
    assert person["previewBy"] == "bot" and "\n" not in person["preview"] and len(person["preview"]) <= 90
    assert person["unread"] == 1
    assert person["windowUntil"] is None, "nobody closes a window on phones that exist only here"
    assert {account["windowHours"] for account in (await desk.get("/api/state"))[1]["accounts"]} == {None}
    assert (await desk.post(f"/api/conversations/{conversation}/read"))[1] == {"marked": 1}
    assert (await desk.thread(conversation))[-1]["status"] == "read"
    assert (await desk.get("/api/people"))[1]["people"][0]["unread"] == 0
    assert (await desk.post(f"/api/conversations/{conversation}/read"))[1] == {"marked": 0}


async def test_pause_resume_and_disable(desk: Desk) -> None:
    conversation = await enabled(desk)
    status, pressed = await desk.post(f"/api/conversations/{conversation}/pause", {"minutes": 60})
    assert status == 200 and pressed["committed"]
    person = (await desk.get(f"/api/conversations/{conversation}"))[1]["person"]
    assert (person["state"], person["pauseReason"]) == ("paused", "manual")
    assert (await desk.post(f"/api/conversations/{conversation}/resume"))[1] == {"lifted": 1}
    assert (await desk.post(f"/api/conversations/{conversation}/disable"))[0] == 204
    assert (await desk.get(f"/api/conversations/{conversation}"))[1]["person"]["state"] == "disabled"


async def test_the_stop_stops_and_only_resume_goes_on(desk: Desk) -> None:
    conversation = await enabled(desk)
    status, pressed = await desk.post("/api/stop")
    assert status == 200 and pressed["committed"] and pressed["leaving"] == []
    assert (await desk.get("/api/state"))[1]["stopped"]["since"] == pressed["since"]
    await desk.says("anybody?")
    bubbles = await desk.until(conversation, lambda found: found[-1]["status"] == "silent")
    assert bubbles[-1]["rule"] == "switch.pressed"
    assert (await desk.get("/api/people"))[1]["people"][0]["pauseReason"] == "switch"
    assert (await desk.post("/api/resume"))[1]["lifted"] >= 1
    assert (await desk.get("/api/state"))[1]["stopped"] is None
    assert (await desk.thread(conversation))[-1]["status"] == "silent"


async def test_the_owner_steps_in(desk: Desk) -> None:
    conversation = await enabled(desk)
    await desk.says("I have it", fromMe=True)
    bubbles = await desk.thread(conversation)
    assert bubbles[-1]["by"] == "owner"
    person = (await desk.get(f"/api/conversations/{conversation}"))[1]["person"]
    assert (person["state"], person["pauseReason"]) == ("paused", "owner_word")
    assert (await desk.get(f"/api/why/{bubbles[-1]['id']}"))[0] == 404


async def test_sending_again_makes_no_second_message(desk: Desk) -> None:
    first = await desk.says("once", messageId="phone-1")
    assert await desk.says("once", messageId="phone-1") == first
    assert len(await desk.thread(first["conversationId"])) == 1


async def test_quotes_edits_and_deletions_reach_the_thread(desk: Desk) -> None:
    conversation = (await desk.says("one", messageId="phone-1"))["conversationId"]
    await desk.says("two", messageId="phone-2", replyTo="phone-1")
    await desk.says("", deletes="phone-1")
    bubbles = await desk.until(conversation, lambda found: found[0]["text"] is None)
    assert [b["text"] for b in bubbles] == [None, "two"]
    assert bubbles[1]["quotes"] == bubbles[0]["id"]


async def test_relationship_and_persona(desk: Desk) -> None:
    await desk.says("hi")
    person = (await desk.get("/api/people"))[1]["people"][0]
    path = f"/api/contacts/{person['contactId']}/relationship"
    assert (await desk.post(path, {"relationship": "friend", "personaId": "persona-casual"}))[0] == 204
    person = (await desk.get("/api/people"))[1]["people"][0]
    assert (person["relationship"], person["personaId"]) == ("friend", "persona-casual")
    assert (await desk.post(path, {"relationship": "enemy"}))[0] == 400
    unknown = f"/api/contacts/{uuid4()}/relationship"
    assert (await desk.post(unknown, {"relationship": "friend"}))[0] == 404


async def test_what_cannot_be_used_is_named_and_not_repeated(desk: Desk) -> None:
    status, answer = await desk.post(
        "/api/simulator/messages", {"from": "+15550100", "text": 7, "secret-canary": 1}
    )
    assert status == 400
    assert "text" in answer["error"] and "7" not in answer["error"]
    status, answer = await desk.post("/api/simulator/messages", {"from": "\u0001", "text": "x"})
    assert status == 400 and "phone number" in answer["error"]
    assert (await desk.get(f"/api/conversations/{uuid4()}"))[0] == 404
    assert (await desk.get("/api/conversations/not-an-id"))[0] == 400


async def test_a_gateway_that_is_away_is_said(addresses: Addresses, template: str, tmp_path: Path) -> None:
    async with opened(addresses, template, tmp_path, ("dashboard",)) as desk:
        status, answer = await desk.post("/api/simulator/messages", {"from": "+15550100", "text": "hi"})
        assert status == 503
        assert "secondme gateway" in answer["error"]


async def test_pages_hear_what_happens_without_a_word_of_it(desk: Desk) -> None:
    heard: list[dict[str, str]] = []

    async def listen() -> None:
        async with desk.session.get(desk.base + "/api/events", timeout=aiohttp.ClientTimeout(20)) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.content:
                if line.startswith(b"data: "):
                    heard.append(json.loads(line[6:]))

    listening = asyncio.create_task(listen())
    await eventually(lambda: heard)
    assert heard[0]["event"] == "resync"
    await desk.says("canary-4711")
    await eventually(lambda: any(event["event"] == "message.settled" for event in heard))
    assert "canary" not in json.dumps(heard)
    assert all(set(event) == {"event", "contactId"} for event in heard)
    # The server stops without waiting for pages.
    await desk.services["dashboard"].web.state.news.drain(1.0)
    async with asyncio.timeout(2):
        await listening


async def test_the_schema_and_its_page(desk: Desk) -> None:
    _, schema = await desk.get("/api/openapi.json")
    assert {"/api/people", "/api/stop", "/api/why/{bubble_id}", "/api/import"} <= set(schema["paths"])
    async with desk.session.get(desk.base + "/api/docs") as answer:
        assert "/api/conversations/{conversation_id}/pause" in await answer.text()


def test_every_rule_of_the_judge_has_words() -> None:
    assert {name for name, _ in RULES} <= set(WORDS)
