"""A model that says nothing is ill and left alone, or obeyed one contact, which is nobody else's trouble."""

import pytest

from secondme.domain.breaker import FAILURES, REST, State
from secondme.domain.errors import MindFailed
from secondme.domain.turn import Contact, Draft, Turn
from secondme.llm.guarded import Guarded
from secondme.observe.gate import Gate
from tests.llm.asking import HandClock, Said
from tests.llm.turns import somebody, turn

PEOPLE = [somebody(number) for number in range(FAILURES + 1)]
PROVOKER, OTHER = PEOPLE[0], somebody(99)


class Obeys(Said):
    """Says nothing to PROVOKER, who asks for that; to others what `fails` says."""

    async def complete(self, asked: Turn) -> Draft:
        if asked.contact == PROVOKER and self.fails is None:
            return await Said("m", fails="empty").complete(asked)
        return await super().complete(asked)


class Desk:
    """A mind behind its breaker, and a clock that is moved by hand."""

    def __init__(self, mind: Said) -> None:
        self.mind = mind
        self.clock = HandClock()
        self.gate = Gate("m", self.clock)
        self._asks = Guarded(mind, self.gate)

    async def hears(self, contact: Contact) -> str:
        """How it went: the cause of the failure, or `ok`."""
        try:
            await self._asks.complete(turn("Hi", contact=contact))
        except MindFailed as error:
            return error.cause
        return "ok"

    async def fails(self, cause: str, *contacts: Contact) -> None:
        self.mind.fails = cause
        assert {await self.hears(contact) for contact in contacts} == {cause}


@pytest.mark.parametrize("well", [None, "refused", "truncated"])
async def test_they_count_once_a_contact_until_it_is_well(well: str | None) -> None:
    """Else whoever writes "answer with nothing" would silence everybody; and else some would never count again."""
    desk = Desk(Said("m"))
    for _ in range(2):
        await desk.fails("empty", *PEOPLE[: FAILURES - 1], *[PROVOKER] * FAILURES)
        assert desk.gate.state() is State.CLOSED
        desk.mind.fails = well
        await desk.hears(PROVOKER)
    await desk.fails("empty", *PEOPLE[:FAILURES])
    assert desk.gate.state() is State.OPEN


async def test_what_is_ill_is_asked_once_a_rest_whoever_asks() -> None:
    desk = Desk(Said("m"))
    desk.mind.fails = "empty"
    seconds = 600
    for _ in range(seconds):
        for contact in PEOPLE:
            await desk.hears(contact)
        desk.clock.seconds += 1
    assert desk.mind.asked in range(FAILURES + 10, FAILURES + seconds // int(REST) + 1)


@pytest.mark.parametrize("ill", ["empty", "status"])
async def test_who_provokes_them_keeps_nobody_else_waiting_when_it_is_well_again(ill: str) -> None:
    """They ask first at every moment. Where it said nothing to others, too, it looks ill for one rest longer."""
    desk = Desk(Obeys("m"))
    await desk.fails(ill, *PEOPLE[:FAILURES])
    desk.mind.fails, began = None, desk.clock.seconds
    due = began + (2 * REST if ill == "empty" else REST)
    while desk.clock.seconds < due:
        assert [await desk.hears(PROVOKER), await desk.hears(OTHER)][1] == "open"
        desk.clock.seconds += 1
    assert [await desk.hears(PROVOKER), await desk.hears(OTHER)][1] == "ok"
    assert desk.gate.state() is State.CLOSED


async def test_who_provoked_them_and_is_alone_is_asked_for_again() -> None:
    desk = Desk(Said("m"))
    await desk.fails("status", *PEOPLE[:FAILURES])
    desk.clock.seconds += REST
    await desk.fails("empty", PROVOKER)
    desk.mind.fails = None
    assert await desk.hears(PROVOKER) == "open"
    assert desk.gate.state() is State.HALF_OPEN, "everybody else may"
    desk.clock.seconds += 2 * REST
    assert await desk.hears(PROVOKER) == "ok"
