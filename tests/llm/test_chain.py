"""What wraps minds: breakers and the budget, and all of it over real wires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from secondme.domain.breaker import FAILURES, State
from secondme.domain.errors import BudgetHeld, BudgetSpent, MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.llm.budget import Budgeted, Limits
from secondme.llm.guarded import Guarded
from secondme.llm.minds import make_minds
from secondme.llm.model_mind import ModelMind
from secondme.llm.plan import Plan
from secondme.llm.purse import Purse
from secondme.observe import metrics
from secondme.observe.gate import Gate
from secondme.ports import Question
from tests.llm.asking import HandClock, Notes, Said, model
from tests.llm.turns import turn


async def test_a_refusal_or_a_long_answer_is_not_held_against_the_service(openai_stub: str) -> None:
    """Else whoever writes what a model refuses would silence everybody."""
    gate = Gate("openai:well")
    for name in ("refused", "truncated"):
        asks = Guarded(ModelMind(model(openai_stub, name)), gate)
        for _ in range(2 * FAILURES):
            with pytest.raises(MindFailed):
                await asks.complete(turn("Hi"))
        await asks.close()
    assert gate.state() is State.CLOSED


async def test_retry_after_is_respected_and_said(openai_stub: str) -> None:
    clock = HandClock()
    gate = Gate("openai:status-429-17", clock)
    asks = Guarded(ModelMind(model(openai_stub, "status-429-17")), gate)
    with pytest.raises(MindFailed) as failed:
        await asks.complete(turn("Hi"))
    assert failed.value.again_in == 17
    assert gate.state() is State.OPEN
    with pytest.raises(MindFailed, match="left alone for 17 s"):
        await asks.complete(turn("Hi"))
    clock.seconds += 17
    assert gate.state() is State.HALF_OPEN
    await asks.close()


async def test_the_state_is_a_metric(openai_stub: str) -> None:
    clock = HandClock()
    asks = Guarded(ModelMind(model(openai_stub, "status-500")), Gate("openai:status-500", clock))
    for seconds, value in ((0, 0.0), (0, 1.0), (30, 0.5)):
        clock.seconds += seconds
        assert metrics.REGISTRY.get_sample_value(
            "secondme_breaker_open", {"service": "openai:status-500"}
        ) == pytest.approx(value)
        for _ in range(FAILURES):
            with pytest.raises(MindFailed):
                await asks.complete(turn("Hi"))
    await asks.close()


async def test_a_chain_of_real_wires(openai_stub: str, anthropic_stub: str) -> None:
    models = (
        model(openai_stub, "status-500"),
        model(openai_stub, "empty", "groq"),
        model(anthropic_stub, "ok", "anthropic"),
    )
    usage = Notes()
    minds = make_minds(Plan(models), usage, HandClock(), ZoneInfo("UTC"))
    draft = await minds.mind.complete(turn("Hi"))
    assert draft.mind == "anthropic:ok"
    assert [(one.mind, one.failed, one.tokens > 0) for one in usage.spent] == [
        ("openai:status-500", True, False),
        ("groq:empty", True, True),
        ("anthropic:ok", False, True),
    ]
    assert {gate.service for gate in minds.gates} == {"openai:status-500", "groq:empty", "anthropic:ok"}
    await minds.close()


async def test_a_failed_chain_never_falls_through_to_the_offline_mind(openai_stub: str) -> None:
    minds = make_minds(Plan((model(openai_stub, "status-500"),)), Notes(), HandClock(), ZoneInfo("UTC"))
    with pytest.raises(MindFailed, match="openai:status-500"):
        await minds.mind.complete(turn("Hi"))
    await minds.close()
    offline = make_minds(Plan(), Notes(), HandClock(), ZoneInfo("UTC"))
    assert (offline.mind.name, offline.extractor) == ("offline", None)


@asynccontextmanager
async def held(
    mind: Said,
    limits: Limits,
    usage: Notes,
    *,
    cheaper: Said | None = None,
    clock: Any = None,
    waits: float = 2.0,
) -> AsyncIterator[Budgeted]:
    purse = Purse(usage, clock or HandClock(), ZoneInfo("Europe/Berlin"))
    first = Guarded(mind, Gate(mind.name), purse.owe)
    second = Guarded(cheaper, Gate(cheaper.name), purse.owe) if cheaper else None
    found = Budgeted(first, purse, limits, second, waits=waits)
    yield found
    await found.close()


ANA, BEA = UUID(int=101), UUID(int=102)


def of(who: UUID) -> Turn:
    asked = turn("Hi")
    return replace(asked, contact=replace(asked.contact, id=who))


async def test_a_contacts_budget_is_held_and_others_are_served() -> None:
    usage, mind = Notes(), Said("m")
    async with held(mind, Limits(contact=250), usage) as asks:
        for _ in range(3):
            await asks.complete(of(ANA))
        with pytest.raises(BudgetSpent) as spent:
            await asks.complete(of(ANA))
        assert (spent.value.rule, spent.value.then) == ("budget.contact", "line")
        await asks.complete(of(BEA))
    assert mind.asked == 4
    assert sum(one.tokens for one in usage.spent) == 400


async def test_a_days_budget_is_held_over_all_and_failures_count() -> None:
    usage, mind = Notes(), Said("m", fails="empty")
    async with held(mind, Limits(day=250), usage) as asks:
        for who in (ANA, BEA, ANA):
            with pytest.raises(MindFailed):
                await asks.complete(of(who))
        with pytest.raises(BudgetSpent) as spent:
            await asks.complete(of(BEA))
        with pytest.raises(BudgetSpent):
            await asks.extract(BaseModel, Question("q", ("m",)))
    assert (spent.value.rule, mind.asked) == ("budget.day", 3)


async def test_many_at_once_pass_a_limit_by_one_ask_at_most() -> None:
    usage, mind = Notes(), Said("m", seconds=0.01, tokens=3000)
    async with held(mind, Limits(day=10_000), usage) as asks:
        found = await asyncio.gather(
            *(asks.complete(of(UUID(int=n))) for n in range(40)), return_exceptions=True
        )
    assert sum(isinstance(one, Draft) for one in found) == 4
    assert {type(one) for one in found} == {Draft, BudgetSpent}
    assert sum(one.tokens for one in usage.spent) == 12_000


async def test_what_is_under_way_spends_nothing_yet() -> None:
    """Neither the rule nor the cheaper mind: nobody knows yet whether the limit will be reached."""
    usage, cheaper = Notes(), Said("cheap")
    limits = Limits(day=1000, then="cheaper")
    async with held(Said("m", seconds=0.3), limits, usage, cheaper=cheaper, waits=0.02) as asks:
        first = asyncio.create_task(asks.complete(of(ANA)))
        await asyncio.sleep(0)
        with pytest.raises(BudgetHeld) as waits:
            await asks.complete(of(BEA))
        with pytest.raises(BudgetHeld):
            await asks.extract(BaseModel, Question("q", ("m",)))
        await first
        assert (await asks.complete(of(BEA))).mind == "m"
    assert (waits.value.rule, waits.value.cause, cheaper.asked) == ("budget.day", "budget_held", 0)


async def test_what_is_cancelled_is_counted_by_what_was_sent() -> None:
    usage = Notes()
    async with held(Said("m", seconds=9), Limits(contact=100), usage) as asks:
        task = asyncio.create_task(asks.complete(of(ANA)))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(BudgetSpent):
            await asks.complete(of(ANA))
    (one,) = usage.spent
    assert one.failed and one.contact_id == ANA and 1000 < one.tokens < 4000


async def test_a_cheaper_mind_takes_over_for_as_much_again() -> None:
    usage, mind, cheaper = Notes(), Said("m"), Said("cheap")
    async with held(mind, Limits(contact=100, then="cheaper"), usage, cheaper=cheaper) as asks:
        drafts = [await asks.complete(of(ANA)) for _ in range(2)]
        with pytest.raises(BudgetSpent) as spent:
            await asks.complete(of(ANA))
    assert [(draft.mind, draft.rule) for draft in drafts] == [("m", None), ("cheap", "budget.contact")]
    assert (spent.value.then, cheaper.asked) == ("line", 1)


async def test_a_person_is_promised_once() -> None:
    usage = Notes()
    async with held(Said("m"), Limits(contact=0, then="person"), usage) as asks:
        for told, then in ((False, "person"), (True, "pause")):
            usage.told = told
            with pytest.raises(BudgetSpent) as spent:
                await asks.complete(of(ANA))
            assert spent.value.then == then


async def test_midnight_of_the_owners_zone_begins_anew() -> None:
    class Days(Notes):
        async def record(self, day: object, spent: Any) -> None:
            self.days = getattr(self, "days", {})
            self.days.setdefault(day, []).extend(spent)

        async def used(self, day: object, contact_id: object) -> tuple[int, int]:
            found = getattr(self, "days", {}).get(day, [])
            return sum(o.tokens for o in found), sum(o.tokens for o in found if o.contact_id == contact_id)

    clock = HandClock()  # 12:16 UTC, 13:16 in Berlin
    async with held(Said("m"), Limits(contact=100), Days(), clock=clock) as asks:
        await asks.complete(of(ANA))
        clock.seconds += timedelta(hours=10, minutes=40).total_seconds()
        with pytest.raises(BudgetSpent):
            await asks.complete(of(ANA))
        clock.seconds += timedelta(minutes=5).total_seconds()
        await asks.complete(of(ANA))


async def test_without_limits_nothing_is_looked_up_and_all_is_written_down() -> None:
    class Blind(Notes):
        async def used(self, day: object, contact_id: object) -> tuple[int, int]:
            raise AssertionError("nobody had to know")

    usage = Blind()
    async with held(Said("m"), Limits(), usage) as asks:
        await asks.complete(of(ANA))
    assert [one.tokens for one in usage.spent] == [100]
