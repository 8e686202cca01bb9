"""A chain of minds: the next is asked when one fails, and all of them together have a limit."""

import asyncio
import time

import pytest

from secondme.domain.breaker import FAILURES, State
from secondme.domain.errors import MindFailed
from secondme.llm.fallback import ChainFailed, Fallback
from secondme.llm.guarded import Guarded
from secondme.observe.gate import Gate
from tests.llm.asking import Said
from tests.llm.turns import turn


def guarded(*minds: Said) -> list[Guarded]:
    return [Guarded(mind, Gate(mind.name)) for mind in minds]


async def test_the_next_is_asked_and_what_failed_is_paid() -> None:
    chain = Fallback(guarded(Said("a", fails="timeout"), Said("b", fails="empty"), third := Said("c")))
    draft = await chain.complete(turn("Hi"))
    assert (draft.mind, draft.tokens, third.asked) == ("c", 300, 1)
    assert chain.name == "a, else b, else c"


async def test_a_chain_that_fails_names_each_and_its_cause() -> None:
    chain = Fallback(guarded(Said("a", fails="timeout"), Said("b", fails="empty")))
    with pytest.raises(ChainFailed, match=r"a timeout\. b empty\.") as failed:
        await chain.complete(turn("Hi"))
    assert (failed.value.cause, failed.value.tokens) == ("empty", 200)


async def test_all_of_a_chain_together_have_a_limit() -> None:
    chain = Fallback(guarded(Said("a", fails="x"), Said("b", seconds=9), third := Said("c")), total=0.2)
    begun = time.monotonic()
    with pytest.raises(MindFailed, match="b had not answered when"):
        await chain.complete(turn("Hi"))
    assert time.monotonic() - begun < 2
    assert third.asked == 0


async def test_a_mind_that_outlasts_its_chain_is_left_alone_in_the_end() -> None:
    """Its own timeout may be longer than all of the chain has; a Turn that is taken away says nothing of it."""
    gate = Gate("a")
    chain = Fallback([Guarded(mind := Said("a", seconds=9), gate)], total=0.02)
    for _ in range(FAILURES):
        task = asyncio.create_task(chain.complete(turn("Hi")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (mind.asked, gate.state()) == (FAILURES, State.CLOSED)
    for _ in range(FAILURES):
        with pytest.raises(MindFailed) as failed:
            await chain.complete(turn("Hi"))
        assert failed.value.cause == "timeout"
    assert gate.state() is State.OPEN
    with pytest.raises(MindFailed, match="left alone"):
        await chain.complete(turn("Hi"))
    assert mind.asked == 2 * FAILURES


async def test_nobody_is_asked_once_the_time_is_over() -> None:
    chain = Fallback(guarded(Said("a", fails="x", seconds=0.05), second := Said("b")), total=0.0)
    with pytest.raises(MindFailed, match="a had not"):
        await chain.complete(turn("Hi"))
    assert second.asked == 0
