"""From the phone to a provider and back: fallback, budgets, and no internal error that ever reaches a contact."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from secondme.domain.errors import BudgetHeld, MindFailed
from secondme.domain.profile import Profile
from secondme.domain.turn import Draft, Turn
from secondme.embedded import Addresses
from secondme.llm.budget import Budgeted, Limits
from secondme.llm.guarded import Guarded
from secondme.llm.minds import make_minds
from secondme.llm.plan import Plan
from secondme.llm.providers import Model
from secondme.llm.purse import Purse
from secondme.observe.gate import Gate
from secondme.ports import Spent
from secondme.profiles import PROFILES
from secondme.stores.ledger.usage import LedgerUsage
from tests.llm.asking import Notes, Said, model
from tests.support.world import MovableClock, World

FAULTS = (
    "empty",
    "truncated",
    "refused",
    "tool",
    "malformed",
    "wrong-type",
    "huge",
    "status-401",
    "status-429",
    "status-429-1",
    "status-500",
    "status-529",
    "hangup",
    "slow",
    "drip",
)
UTC = ZoneInfo("UTC")


class Late:
    """The ledger's Usage port, before there is a ledger."""

    def __init__(self) -> None:
        self.ledgers: LedgerUsage | None = None

    async def record(self, day: date, spent: Any) -> None:
        assert self.ledgers is not None
        await self.ledgers.record(day, spent)

    async def used(self, day: date, contact_id: UUID | None) -> tuple[int, int]:
        assert self.ledgers is not None
        return await self.ledgers.used(day, contact_id)

    async def handed_over(self, contact_id: UUID, since: datetime) -> bool:
        assert self.ledgers is not None
        return await self.ledgers.handed_over(contact_id, since)


def quick(profile: Profile) -> Profile:
    return replace(
        profile,
        debounce=timedelta(milliseconds=20),
        debounce_cap=timedelta(milliseconds=200),
        new_contacts_enabled=True,
        rate_limit=0,
    )


@pytest.fixture
def opening(addresses: Addresses, template: str, tmp_path: Path) -> Any:
    """A world whose mind is made from models and limits, as the product makes it."""

    @asynccontextmanager
    async def opened(
        models: list[Model], profile: str = "support", cheaper: Model | None = None, **limits: Any
    ) -> AsyncIterator[World]:
        usage = Late()
        plan = Plan(tuple(models), cheaper, Limits(**limits))
        minds = make_minds(plan, usage, MovableClock(), UTC)
        profiles = {"main": quick(PROFILES[profile])}
        async with World.open(addresses, template, tmp_path, profiles=profiles, mind=minds.mind) as world:
            usage.ledgers = LedgerUsage(world.ledger)
            try:
                yield world
            finally:
                await minds.close()

    return opened


async def answered(world: World, seconds: float = 20) -> None:
    """Let time pass until every message has its receipt; what waits for another try need not wait long."""
    async with asyncio.timeout(seconds):
        while await world.value(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE direction = 'incoming' AND outcome IS NULL)"
        ):
            if await world.value("SELECT EXISTS (SELECT 1 FROM conversations WHERE due_at > now() + '1 s')"):
                world.clock.jump(timedelta(seconds=5))
            await asyncio.sleep(0.05)


class AsAsked:
    """A mind that is, for each message, the chain whose one model the message names."""

    name = "as asked"

    def __init__(self, stub: str, provider: str, usage: Late) -> None:
        self.minds = {
            fault: make_minds(Plan((_model(stub, provider, fault),)), usage, MovableClock(), UTC)
            for fault in FAULTS
        }

    async def complete(self, turn: Turn) -> Draft:
        return await self.minds[turn.messages[0].text].mind.complete(turn)

    async def close(self) -> None:
        for minds in self.minds.values():
            await minds.close()


def _model(stub: str, provider: str, fault: str) -> Model:
    return model(stub, fault, provider, timeout=0.1 if fault in ("slow", "drip") else 20.0)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_no_internal_error_reaches_a_contact(
    addresses: Addresses,
    template: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    profile: str,
    provider: str,
) -> None:
    """Each fault for somebody else; whatever arrives is the profile's own line, and the clone says nothing."""
    line, usage = PROFILES[profile].when_mind_fails, Late()
    mind = AsAsked(request.getfixturevalue(f"{provider}_stub"), provider, usage)
    profiles = {"main": quick(PROFILES[profile])}
    async with World.open(addresses, template, tmp_path, profiles=profiles, mind=mind) as world:
        usage.ledgers = LedgerUsage(world.ledger)
        for number, fault in enumerate(FAULTS):
            await world.says(fault, f"+155501{number:02}")
        await answered(world, 40)
        assert world.phones.texts() == ([line] * len(FAULTS) if line else [])
        expected = ("replied", "mind.fallback") if line else ("failed", "mind.failed")
        assert await world.receipts() == [expected] * len(FAULTS)
        assert await world.value("SELECT sum(asks)::int FROM spending") >= 2 * len(FAULTS)
        await mind.close()


async def test_the_next_model_of_the_chain_answers(
    opening: Any, openai_stub: str, anthropic_stub: str
) -> None:
    models = [model(openai_stub, "status-500"), model(anthropic_stub, "said:I am well.", "anthropic")]
    async with opening(models, "clone") as world:
        await world.says("How are you?")
        await answered(world)
        assert world.phones.texts() == ["I am well."]
        assert await world.value("SELECT mind FROM turns") == "anthropic:said:I am well."
        rows = "SELECT array_agg((mind, asks, failures)::text ORDER BY mind) FROM spending"
        assert await world.value(rows) == [
            '("anthropic:said:I am well.",1,0)',
            "(openai:status-500,1,1)",
        ]


async def test_a_spent_budget_says_the_line_and_names_its_rule(opening: Any, openai_stub: str) -> None:
    async with opening([model(openai_stub, "ok")], contact=100) as world:
        for number in range(3):
            await world.says(f"And {number}?")
            await answered(world)
        await world.says("Me too?", "+15550199")
        await answered(world)
        rules = [rule for _, rule in await world.receipts()]
        assert rules == ["contact.enabled", "budget.contact", "budget.contact", "contact.enabled"]
        assert world.phones.texts("+15550100")[-2:] == [PROFILES["support"].when_mind_fails] * 2
        assert await world.value("SELECT sum(tokens)::int FROM spending") == 2 * 107


@pytest.mark.parametrize(("then", "profile"), [("silence", "support"), ("line", "clone")])
async def test_a_spent_budget_is_silent_where_that_is_set_or_there_is_no_line(
    opening: Any, openai_stub: str, then: str, profile: str
) -> None:
    async with opening([model(openai_stub, "ok")], profile, day=100, then=then) as world:
        for who in ("+15550100", "+15550101"):
            await world.says("Hi?", who)
            await answered(world)
        assert await world.receipts() == [("replied", "contact.enabled"), ("silent", "budget.day")]
        assert world.phones.texts("+15550101") == []


async def test_a_cheaper_model_answers_and_the_receipt_says_why(opening: Any, openai_stub: str) -> None:
    cheaper = model(openai_stub, "said:Briefly: yes.")
    async with opening([model(openai_stub, "ok")], "clone", cheaper, contact=100, then="cheaper") as world:
        for number in range(3):
            await world.says(f"And {number}?")
            await answered(world)
        assert world.phones.texts() == ["Sounds good!", "See you there.", "Briefly: yes."]
        assert await world.receipts() == [
            ("replied", "contact.enabled"),
            ("replied", "budget.contact"),
            ("silent", "budget.contact"),
        ]


async def test_a_person_is_promised_once_and_then_the_contact_is_theirs(
    opening: Any, openai_stub: str
) -> None:
    async with opening([model(openai_stub, "ok")], contact=0, then="person") as world:
        for text in ("Hello?", "Is anybody there?", "Hm."):
            await world.says(text)
            await answered(world)
        assert world.phones.texts() == [PROFILES["support"].when_mind_fails]
        assert await world.receipts() == [
            ("replied", "budget.contact"),
            ("silent", "budget.contact"),
            ("silent", "contact.paused"),
        ]
        assert await world.value("SELECT reason FROM pauses") == "budget"
        assert await world.value("SELECT until - since FROM pauses") == timedelta(hours=24)


async def test_what_was_spent_elsewhere_counts(opening: Any, openai_stub: str) -> None:
    async with opening([model(openai_stub, "ok")], day=1000, then="silence") as world:
        today = world.clock.now().date()
        await LedgerUsage(world.ledger).record(today, [Spent("elsewhere", None, 1000)])
        await world.says("Hi?")
        await answered(world)
        assert await world.receipts() == [("silent", "budget.day")]


async def test_what_only_promises_reach_ends_nobodys_message(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    """One promise fills the day's budget, of which five replies use a sixth: the others wait their turn."""
    usage = Notes()
    purse, mind = Purse(usage, MovableClock(), UTC), Said("m", seconds=0.3)
    asks = Budgeted(Guarded(mind, Gate("m"), purse.owe), purse, Limits(day=3000), waits=0.02)
    profiles = {"main": quick(PROFILES["clone"])}
    async with World.open(addresses, template, tmp_path, profiles=profiles, mind=asks) as world:
        for number in range(5):
            await world.says("Hi?", f"+155501{number:02}")
        await answered(world)
        assert await world.receipts() == [("replied", "contact.enabled")] * 5
        assert await world.value("SELECT count(*) FROM turns WHERE rule = 'budget.held'") >= 1
        assert sum(one.tokens for one in usage.spent) == 500


class Scripted:
    """A mind that fails as it is told."""

    name = "scripted"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    async def complete(self, turn: Turn) -> Draft:
        raise self.errors.pop(0)

    async def close(self) -> None: ...


async def test_waiting_for_the_budget_is_no_try_and_forgets_none(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    failed, waits = MindFailed("It failed."), BudgetHeld("budget.day")
    mind = Scripted(failed, waits, failed, waits, waits, failed)
    profiles = {"main": quick(PROFILES["clone"])}
    async with World.open(addresses, template, tmp_path, profiles=profiles, mind=mind) as world:
        await world.says("Hi?")
        await answered(world, 30)
        assert await world.receipts() == [("failed", "mind.failed")]
        assert mind.errors == []
