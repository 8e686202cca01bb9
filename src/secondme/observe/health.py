"""`/health`: what a process stands on, and how each of it is."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from secondme.domain.breaker import State
from secondme.domain.errors import Unusable
from secondme.observe.gate import Gate

type Ping = Callable[[], Awaitable[None]]

UNKNOWN = "unknown"  # nobody has looked yet
_WITHIN = 2.5  # seconds


async def state_of(ping: Ping, within: float = _WITHIN) -> str:
    """`ok`, or in a few words why not. Never raises. `within`: seconds that the ping may take."""
    try:
        async with asyncio.timeout(within):
            await ping()
    except Unusable as error:
        return error.state
    except Exception as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


async def health(
    pings: Mapping[str, Ping], channels: Mapping[str, str], gates: Iterable[Gate]
) -> dict[str, Any]:
    """The stores asked now; the channels as they were when somebody last looked, by account; the breakers.

    Up as long as the ledger answers: ears need nothing else, and a third party can degrade this process, never end it.
    """
    states = dict(zip(pings, await asyncio.gather(*(state_of(ping) for ping in pings.values())), strict=True))
    breakers = {gate.service: gate.state() for gate in gates}
    well = {*states.values(), *channels.values()} <= {"ok", UNKNOWN} and State.OPEN not in breakers.values()
    status = "down" if states["postgres"] != "ok" else "ok" if well else "degraded"
    return {"status": status, "dependencies": states, "channels": dict(channels), "breakers": breakers}
