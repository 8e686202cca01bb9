"""What the page says of a voice and of a receipt: whose it is, what was said again, and what is gone."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from secondme.domain.fact import Fact, Predicate
from secondme.stores.ledger import instance, voices
from secondme.web.dashboard.receipts import receipt
from tests.web.conftest import Desk
from tests.web.test_dashboard_api import enabled
from tests.web.test_dashboard_import import AMBIGUOUS, form, lines, send

pytestmark = pytest.mark.timeout(60)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SAM = b"".join(
    b"%02d/11/2026, 11:12 - Jo: how are you?\n%02d/11/2026, 11:13 - Sam: all good here, and with you?\n"
    % (n, n)
    for n in range(13, 29)
)


def found(**more: Any) -> dict[str, Any]:
    """What the ledger finds of a message that was answered."""
    return {
        "messageId": str(uuid4()),
        "conversationId": str(uuid4()),
        "contactId": str(uuid4()),
        "outcome": "replied",
        "rule": "contact.enabled",
        "receivedAt": NOW,
        "composedAt": NOW,
        "settledAt": NOW,
        "mind": "offline",
        "tokens": 0,
        "timings": {},
        "deliveries": [],
        "said": [],
        **more,
    }


def leaned(*texts: str) -> list[dict[str, Any]]:
    return [{"text": t, "closeness": 0.5 - n / 10, "at": None} for n, t in enumerate(texts)]


def test_what_was_said_again_comes_first() -> None:
    why = receipt(found(leanedOn=leaned("thanks", "nothing", "yess\nwhich one"), said=["Yess", "which  one"]))
    assert [(w.text, w.said) for w in why.own_words] == [
        ("yess\nwhich one", True),
        ("thanks", False),
        ("nothing", False),
    ]
    assert not any(w.said for w in receipt(found(leanedOn=leaned("which", ""), said=["which one"])).own_words)
    dressed = receipt(
        found(leanedOn=leaned("no idea", "Sounds good.\nLet's"), said=["sounds good"])
    ).own_words
    assert [w.said for w in dressed] == [True, False]


def test_what_is_gone_is_called_gone() -> None:
    assert receipt(found()).own_words_erased
    assert "erased" in (_note(found(), "Recalled") or "")
    assert not receipt(found(leanedOn=[])).own_words_erased
    assert not receipt(found(mind="fixed line")).own_words_erased
    assert _note(found(leanedOn=[]), "Recalled") == "nothing that fits yet"


def test_facts_are_shown_as_memory_has_them() -> None:
    """What it has no longer is not shown, and nothing of it stood in the receipt."""
    what = found(facts=[{"id": f"fact_{n}", "closeness": n / 10} for n in range(4)], leanedOn=[])
    tellers = {"fact_1": "owner", "fact_2": what["contactId"], "fact_3": "somebody"}
    given = {
        id: Fact(id, Predicate.NOTE, f"text of {id}", teller, "s", NOW, NOW, None, 1.0)
        for id, teller in tellers.items()
    }
    why = receipt(what, given)
    assert [(k.id, k.text, k.by) for k in why.known] == [
        ("fact_3", "text of fact_3", "other"),
        ("fact_2", "text of fact_2", "contact"),
        ("fact_1", "text of fact_1", "owner"),
        ("fact_0", None, None),
    ]
    assert (
        _note({**what, "windowLines": 2}, "Recalled") == "2 lines of this talk, 4 facts, 0 replies of yours"
    )
    assert (why.memory_answers, receipt(what).memory_answers) == (True, False)
    assert {k.text for k in receipt(what).known} == {None}


def _note(what: dict[str, Any], label: str) -> str | None:
    return next(step.note for step in receipt(what).steps if step.label == label)


async def test_an_answer_names_the_reply_that_it_said_again(desk: Desk) -> None:
    await _learn_lena(desk)
    conversation = await enabled(desk)
    await desk.says("are we still climbing on saturday?")
    bubbles = await desk.until(
        conversation, lambda b: b[-1]["by"] == "bot" and b[-1]["status"] == "delivered"
    )
    await desk.until(conversation, lambda b: all(x["status"] != "answering" for x in b))
    words = (await desk.get(f"/api/why/{bubbles[-1]['id']}"))[1]["ownWords"]
    assert words[0]["said"] and not words[-1]["said"]
    async with desk.app.ledger.transaction() as tx:
        await tx.execute("UPDATE turns SET why = NULL")
    assert (await desk.get(f"/api/why/{bubbles[-1]['id']}"))[1]["ownWordsErased"]


async def _learn_lena(desk: Desk) -> dict[str, Any]:
    url, headers = f"{desk.base}/api/import/sample", {"origin": desk.base}
    body = {"name": "lena", "keepVoice": True}
    async with desk.session.post(url, json=body, headers=headers) as answer:
        return dict(lines(await answer.text())[-1]["report"])


async def test_whose_voice_it_is_and_what_was_set_aside(desk: Desk) -> None:
    assert (await desk.get("/api/state"))[1]["voiceOwner"] is None
    lena = await _learn_lena(desk)
    assert (lena["keptInAll"], lena["setAside"]) == (lena["kept"], 0)
    _, state = await desk.get("/api/state")
    assert (state["voiceOwner"], state["voiceInvented"]) == ("Lena Brandt", True)
    again = await _learn_lena(desk)
    assert (again["kept"], again["keptInAll"]) == (0, lena["kept"])
    report = lines((await send(desk, "/api/import", form(SAM, me="Sam", keepVoice="yes")))[1])[-1]["report"]
    assert report["setAside"] == lena["kept"]
    _, state = await desk.get("/api/state")
    assert (state["voiceOwner"], state["voiceInvented"]) == ("Sam", False)


async def test_the_owners_name_is_sealed_and_goes_with_the_voice(desk: Desk) -> None:
    await _learn_lena(desk)
    async with desk.app.ledger.transaction() as tx:
        kept = [json.dumps(row["value"]) for row in await tx.fetch("SELECT value FROM settings")]
        assert not any("Lena" in value for value in kept)
        partner = await tx.fetchval("SELECT partner FROM imports")
        assert await voices.forget(tx, [partner]) != (0, 0)
        assert await instance.owner(tx, desk.app.ledger.vault) is None
        assert await tx.fetchval("SELECT count(*) FROM settings WHERE key = 'voice_owner'") == 0


async def test_dates_that_can_be_read_twice_are_asked_for_without_options(desk: Desk) -> None:
    status, text = await send(desk, "/api/import/inspect", form(AMBIGUOUS))
    said = json.loads(text)
    assert (status, said["needs"]) == (422, "order") and "--" not in said["error"]
    ended = lines((await send(desk, "/api/import", form(AMBIGUOUS, me="Ana", keepVoice="no")))[1])[-1]
    assert "--" not in ended["error"]
