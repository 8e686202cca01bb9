"""Two hundred of each fault on both wires: no garbage, no secret, and a service that is found well again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from secondme.domain.breaker import FAILURES, State
from secondme.domain.errors import MindFailed
from secondme.llm.guarded import Guarded
from secondme.llm.model_mind import ModelMind
from secondme.observe.gate import Gate
from tests.llm.asking import KEY, WORDS, HandClock, mind, model, requests, switched
from tests.llm.turns import somebody, turn

TIMES = 200
CAUSES = {
    "empty": "empty",
    "malformed": "malformed",
    "wrong-type": "malformed",
    "huge": "oversized",
    "status-401": "status",
    "status-429": "status",
    "status-429-1": "status",
    "status-500": "status",
    "status-529": "status",
    "hangup": "unreachable",
    "slow": "timeout",
    "drip": "timeout",
}
NO_SERVICES_FAULT = {"truncated": "truncated", "refused": "refused"}
both_wires = pytest.mark.parametrize("provider", ["openai", "anthropic"])
each_fault = pytest.mark.parametrize("fault", CAUSES)


def patience(fault: str) -> float:
    """Seconds: short where the answer never comes, and long where a slow machine must not be mistaken for that."""
    return 0.05 if CAUSES.get(fault) == "timeout" else 20.0


@pytest_asyncio.fixture
async def stub(provider: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The provider, which is well again after the test."""
    found: str = request.getfixturevalue(f"{provider}_stub")
    yield found
    await switched(found, "ok")


async def seen(stub: str, words: str) -> int:
    """How many of the last thousand requests held these words."""
    return sum(words in str(one["body"]) for one in await requests(stub))


@both_wires
@pytest.mark.parametrize("fault", CAUSES | NO_SERVICES_FAULT)
async def test_each_of_two_hundred_is_a_failure_without_secrets(stub: str, provider: str, fault: str) -> None:
    """The bare mind, which nobody guards: every one of them is asked."""
    await switched(stub, fault)
    words = f"{WORDS}-bare-{provider}-{fault}."
    async with mind(stub, "switch", provider, timeout=patience(fault)) as asks:
        for _ in range(TIMES // 25):
            found = await asyncio.gather(
                *(asks.complete(turn(words)) for _ in range(25)), return_exceptions=True
            )
            for error in found:
                assert isinstance(error, MindFailed), error
                assert error.cause == (CAUSES | NO_SERVICES_FAULT)[fault]
                said = f"{error!r} {error.__cause__!r} {error.args!r}"
                assert WORDS not in said and KEY not in said
    if CAUSES.get(fault) != "timeout":  # else some may give up before they are heard
        assert await seen(stub, words) == TIMES


@both_wires
@each_fault
async def test_two_hundred_faults_and_then_it_is_well_again(stub: str, provider: str, fault: str) -> None:
    """No garbage, a breaker open by the fifth failure, one probe a rest, and closed by the first answer.

    Each is asked for another contact: one alone may have provoked what is empty.
    """
    await switched(stub, fault)
    clock, words = HandClock(), f"{WORDS}-guarded-{provider}-{fault}."
    gate = Gate(f"{provider}:switch", clock)
    asks = Guarded(ModelMind(model(stub, "switch", provider, timeout=patience(fault))), gate)
    asked = 0
    for number in range(1, TIMES + 1):
        with pytest.raises(MindFailed) as failed:
            await asks.complete(turn(words, contact=somebody(number)))
        assert WORDS not in str(failed.value) and KEY not in str(failed.value)
        asked += failed.value.cause != "open"
        if number == 5:  # the promise itself, whatever FAILURES says
            assert gate.state() is State.OPEN
        clock.seconds += 1
    assert asked <= FAILURES + TIMES // (1 if fault == "status-429-1" else 30) + 1
    assert await seen(stub, words) <= asked
    await asks.close()
    await switched(stub, "ok")
    clock.seconds += 30
    asks = Guarded(ModelMind(model(stub, "switch", provider, timeout=20)), gate)
    assert (await asks.complete(turn("Hi"))).parts
    assert gate.state() is State.CLOSED
    await asks.close()
