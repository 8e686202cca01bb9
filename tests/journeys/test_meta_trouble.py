"""Meta refuses, loses its answer, thinks better of it, or delivers what nobody can read; and minds fail."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from secondme.domain.errors import MindFailed
from secondme.profiles.support import HAND_OVER
from tests.journeys.conftest import Journey, Open

ANA = "15550100001"
UNCERTAIN = "SELECT EXISTS (SELECT 1 FROM messages WHERE outcome = 'uncertain')"


@pytest.mark.parametrize("profile", ["clone", "support"])
@pytest.mark.parametrize(
    ("code", "rule"), [(131047, "outbox.window_closed"), (131026, "outbox.undeliverable")]
)
async def test_a_final_no_is_the_receipt(journey: Open, profile: str, code: int, rule: str) -> None:
    async with journey(profile, still=True) as told:
        await told.meta.fault(code)
        await told.meta.says("hello")
        await told.settled()
        assert await told.receipts() == [("failed", rule)]
        told.world.clock.jump(timedelta(minutes=5))
        await told.quiet(1.5)
        assert len(await told.meta.sends(None)) == 1, "it is not tried again"


WAITS = [
    (131056, 6, {}),
    (130429, 5, {}),
    (130429, 20, {"Retry-After": "20"}),
    (131016, 30, {}),
    (190, 60, {}),
]


@pytest.mark.parametrize("http", [400, 429])
@pytest.mark.parametrize(("code", "seconds", "headers"), WAITS)
async def test_no_sooner_than_asked_and_then_once(
    journey: Open, code: int, seconds: int, headers: dict[str, str], http: int
) -> None:
    async with journey("clone", still=True) as told:
        await told.meta.fault(code, headers=headers, http=http)
        await told.meta.says("hello")
        await told.tried(1)
        await _put_back(told)
        told.world.clock.jump(timedelta(seconds=seconds - 0.001))
        await told.quiet(1.4)
        assert len(await told.meta.sends(None)) == 1, "it came back too soon"
        told.world.clock.jump(timedelta(seconds=0.002))
        await told.settled()
        assert await told.meta.texts() == ["re: hello"]
        assert await told.receipts() == [("replied", "contact.enabled")]


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(("code", "http"), [(130429, 500), (131016, 503), (131056, 502), (131047, 500)])
async def test_a_server_that_failed_may_have_taken_it(
    journey: Open, code: int, http: int, taken: bool
) -> None:
    """Whatever its code asks for: what had left is not sent again."""
    async with journey("journal", still=True) as told:
        await told.meta.fault(code, http=http, taken=taken, statuses=[])
        await told.meta.says("hello")
        await told.settled()
        assert await told.receipts() == [("uncertain", "outbox.uncertain")]
        told.world.clock.jump(timedelta(minutes=5))
        await told.quiet(1.5)
        assert len(await told.meta.sends(None)) == 1


async def test_a_wrong_token_holds_everything_and_loses_nothing(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        await told.meta.control(token="another")
        for number in range(3):
            await told.meta.says(f"n{number}")
        for _ in range(7):  # more often than anything else is tried
            await _put_back(told)
            told.world.clock.jump(timedelta(seconds=61))
            await told.quiet(0.2)
        await told.meta.control(token=told.meta.settings()["WHATSAPP_PERMANENT_TOKEN"])
        await _put_back(told)
        told.world.clock.jump(timedelta(seconds=61))
        await told.settled()
        assert await told.meta.texts() == ["re: n0", "re: n1", "re: n2"]


async def _put_back(told: Journey) -> None:
    await told.world.until(
        "SELECT EXISTS (SELECT 1 FROM deliveries WHERE status = 'planned' AND error IS NOT NULL)"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE status = 'in_flight')"
    )


LOST: list[dict[str, Any]] = [{"fault": "close", "taken": True}, {"fault": "half"}, {"fault": "garbage"},
                              {"fault": "500", "taken": True}, {"fault": "131000", "taken": True}]  # fmt: skip


@pytest.mark.parametrize("profile", ["clone", "journal"])
@pytest.mark.parametrize("lost", LOST, ids=lambda lost: str(lost["fault"]))
async def test_a_status_settles_what_nobody_knew(journey: Open, profile: str, lost: dict[str, Any]) -> None:
    async with journey(profile) as told:
        for text, word in (("one", "sent"), ("two", "delivered"), ("three", "failed")):
            await told.meta.control(faults=[lost | {"statuses": []}])
            await told.meta.says(text)
            await told.world.until(UNCERTAIN)
            (send,) = [line for line in await told.meta.sends() if line["body"]["text"] == f"re: {text}"]
            await told.meta.status(send, word, code=131026)
            assert not await told.world.value(UNCERTAIN)
        assert await told.receipts() == [
            ("replied", "contact.enabled"),
            ("replied", "contact.enabled"),
            ("failed", "outbox.undeliverable"),
        ]
        await told.quiet(1.5)
        assert len(await told.meta.sends()) == 3, "what may have arrived is never sent again"


async def test_statuses_that_come_by_themselves_before_anything_else(journey: Open) -> None:
    """The send is taken, its answer lost, and the statuses are there before anybody has given up."""
    async with journey("clone") as told:
        await told.meta.fault("hang", taken=True, statuses=["sent", "delivered", "read"])
        await told.meta.says("hello")
        await told.settled(5)
        assert await told.receipts() == [("replied", "contact.enabled")]
        await told.world.until("SELECT bool_and(progress = 'read') FROM deliveries WHERE kind = 'text'")


@pytest.mark.parametrize(
    ("code", "rule"),
    [(131047, "outbox.window_closed"), (131056, "outbox.throttled"), (190, "outbox.account_down")],
)
async def test_failed_later_is_the_receipt_after_all(journey: Open, code: int, rule: str) -> None:
    async with journey("support") as told:
        await told.meta.says("hello")
        await told.settled()
        (send,) = await told.meta.sends()
        await told.meta.status(send, "failed", code=code)
        assert await told.receipts() == [("failed", rule)]


async def test_statuses_in_any_order_and_many_times(journey: Open) -> None:
    async with journey("journal") as told:
        for number in range(5):
            await told.meta.says(f"n{number}")
        await told.settled()
        items = [
            {"kind": "status", "of": s["id"], "from": ANA, "status": word, "callback": s["body"]["callback"]}
            for s in await told.meta.sends()
            for word in ("sent", "delivered", "read")
        ]
        await told.meta.deliver(items, times=3, shuffle=True, seed=7, batch=4, concurrent=4)
        assert await told.world.value(
            "SELECT bool_and(progress = 'read') FROM deliveries WHERE kind = 'text'"
        )
        stranger = {"kind": "status", "of": "wamid.NOT-OURS", "from": ANA, "status": "read", "callback": "x"}
        await told.meta.sent(stranger)


POISON: list[Any] = [
    None, 7, "text", [], {}, {"type": "text"}, {"id": 7, "from": ANA, "type": "text", "text": {"body": "x"}},
    {"id": "wamid.P1", "type": "text", "text": {"body": "nobody"}},
    {"id": "wamid.P2", "from": ANA, "timestamp": "1", "type": "text", "text": {"body": 7}},
    {"id": "wamid.P3", "from": ANA, "timestamp": "1", "type": "text", "text": None},
    {"id": "wamid.P4", "from": {"a": 1}, "timestamp": "1", "type": "text", "text": {"body": "x"}},
    {"id": "wamid.P5", "from": ANA, "timestamp": "1", "type": "edit", "edit": {}},
]  # fmt: skip
ODD: list[Any] = [  # strange and readable: answered like others
    {"id": "wamid.O1", "from": "15550100002", "type": "text", "text": {"body": "no time"}},
    {"id": "wamid.O2", "from": "15550100003", "timestamp": "soon", "type": "text", "text": {"body": "bad time"}},
    {"id": "wamid.O3", "from": "15550100004", "timestamp": "1e99", "type": "text", "text": {"body": "far time"}},
    {"id": "wamid.O4", "from": "15550100005", "type": "text", "text": {"body": "nul \x00 and \ud83d half"}},
]  # fmt: skip


@pytest.mark.parametrize("group", ["changes", "values"])
async def test_poison_is_kept_aside_and_its_batch_goes_on(journey: Open, group: str) -> None:
    async with journey("journal") as told:
        items: list[dict[str, Any]] = [{"kind": "poison", "message": one} for one in (*POISON, *ODD)]
        for number in range(0, 32, 2):
            good = {"kind": "text", "from": "15550100001", "text": f"n{number}"}
            items.insert(number, good)
        items.append({"kind": "raw", "field": "messages", "value": {"metadata": 7}})
        items.append({"kind": "raw", "field": "novelty_of_2027", "value": ["anything"]})
        done = await told.meta.deliver(items, times=2, batch=500, group=group)
        assert done["answers"] == [[200, 1]]
        await told.settled(20)
        assert sorted(await told.meta.texts(f"+{ANA}")) == sorted(f"re: n{n}" for n in range(0, 32, 2))
        assert len(await told.meta.texts()) == 16 + len(ODD)
        kept = await told.world.value("SELECT count(*) FROM kept_aside")
        assert len(POISON) <= kept <= len(POISON) + 1, "each is kept, and once"


@pytest.mark.parametrize(
    ("profile", "said"), [("journal", "Noted."), ("support", HAND_OVER), ("clone", None)]
)
async def test_what_is_said_when_the_mind_fails(journey: Open, profile: str, said: str | None) -> None:
    async with journey(profile, still=True) as told:
        told.mind.fails = MindFailed("nobody home")
        await told.meta.says("hello")
        for tries in (1, 2, 3):
            await _asked(told, tries)
            told.world.clock.jump(timedelta(seconds=9))
        await told.settled()
        assert await told.meta.texts() == ([said] if said else [])
        ((outcome, _),) = await told.receipts()
        assert outcome == ("replied" if said else "failed")


async def _asked(told: Journey, times: int) -> None:
    """Wait until the mind was asked so often, and the conversation waits for the next time."""
    deadline = time.monotonic() + 8
    while len(told.mind.asked) < times:
        assert time.monotonic() < deadline, f"asked {len(told.mind.asked)} times"
        await asyncio.sleep(0.02)
    await told.world.until("SELECT NOT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL)")


async def test_the_window_is_reckoned_from_when_it_was_written(journey: Open) -> None:
    """Meta delivers late what nobody took, and closes the window by its own time."""
    async with journey("journal") as told:
        written = told.world.clock.now() - timedelta(hours=24, seconds=1)
        await told.meta.says("hello", at=int(written.timestamp()))
        await told.settled()
        assert await told.receipts() == [("silent", "window.closed")]
        await told.meta.says("and now")
        await told.settled()
        assert (await told.receipts())[1][0] == "replied"


async def test_a_window_that_closed_is_not_knocked_at(journey: Open) -> None:
    async with journey("journal", still=True) as told:
        told.mind.hold()
        await told.meta.says("hello")
        await told.mind.at_work()
        told.world.clock.jump(timedelta(hours=24, seconds=1))
        told.mind.may.set()
        await told.settled()
        assert await told.receipts() == [("silent", "window.closed")]
        assert await told.meta.sends(None) == []
