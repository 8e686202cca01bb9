"""What `/health` makes of what it stands on: the ledger decides about up and down, anything else degrades at most."""

import asyncio
from collections.abc import Mapping

import pytest

from secondme.domain.breaker import FAILURES, REST
from secondme.domain.errors import StoreUnavailable, Unusable
from secondme.observe.gate import Blame, Gate
from secondme.observe.health import UNKNOWN, Ping, health, state_of


async def well() -> None: ...


async def away() -> None:
    raise StoreUnavailable("Redis does not answer: words that nobody needs to read here.")


async def hanging() -> None:
    await asyncio.sleep(60)


async def refused() -> None:
    raise Unusable("Make a new permanent token.", "refused (190)")


STORES: Mapping[str, Ping] = {"postgres": well, "redis": well}


@pytest.mark.parametrize(
    ("ping", "state"),
    [
        (well, "ok"),
        (away, "does not answer (StoreUnavailable)"),
        (hanging, "does not answer (TimeoutError)"),
        (refused, "refused (190)"),
    ],
)
async def test_a_ping_in_a_few_words(ping: Ping, state: str) -> None:
    assert await state_of(ping, within=0.05) == state


@pytest.mark.parametrize(
    ("pings", "channels", "status"),
    [
        ({}, {}, "ok"),
        ({}, {"main": UNKNOWN, "shop": "ok"}, "ok"),
        ({}, {"main": "ok", "shop": "refused (190)"}, "degraded"),
        ({"redis": away}, {"main": "ok"}, "degraded"),
        ({"postgres": away}, {"main": "ok"}, "down"),
    ],
)
async def test_the_status(pings: dict[str, Ping], channels: dict[str, str], status: str) -> None:
    found = await health({**STORES, **pings}, channels, [])
    assert (found["status"], found["channels"]) == (status, channels)


async def test_an_open_breaker_degrades_and_one_about_to_be_probed_does_not() -> None:
    now = 0.0
    gate = Gate("somebody", lambda: now)
    for _ in range(FAILURES):
        with pytest.raises(OSError), gate.asking(lambda error: Blame.SERVICE):
            raise OSError
    assert await health(STORES, {}, [gate]) == {
        "status": "degraded",
        "dependencies": {"postgres": "ok", "redis": "ok"},
        "channels": {},
        "breakers": {"somebody": "open"},
    }
    now = REST
    found = await health(STORES, {}, [gate])
    assert (found["status"], found["breakers"]) == ("ok", {"somebody": "half-open"})


def test_a_gate_knows_how_the_last_ask_failed_until_one_goes_well() -> None:
    gate = Gate("somebody")

    def fails(blame: Blame) -> str | None:
        with pytest.raises(OSError), gate.asking(lambda error: blame):
            raise OSError("no key")
        return gate.fault

    blames = (Blame.SERVICE, Blame.NOBODY, Blame.NOT_SERVICE, Blame.SERVICE)
    assert [fails(blame) for blame in blames] == ["no key", "no key", None, "no key"]
    with gate.asking(lambda error: Blame.SERVICE):
        pass
    assert gate.fault is None
