"""A process that holds the switch: `press` or `resume` on a line of its input, what became of it as a line of JSON.

Moments are CLOCK_MONOTONIC in nanoseconds, as in the phone network's log.
"""

import asyncio
import json
import sys
import time
from typing import Any

from secondme.domain.errors import SecondMeError
from secondme.loading import load
from secondme.wiring import App, open_app


async def obey(app: App, word: str) -> dict[str, Any]:
    """What came of it; `returned` is taken right after the call, `called` right before."""
    called = time.monotonic_ns()
    try:
        if word == "press":
            pressed = await app.switch.press()
            returned = time.monotonic_ns()
            named = [str(delivery) for delivery in pressed.leaving]
            facts = {"committed": pressed.committed, "named": named, "silenced": pressed.silenced}
        else:
            facts = {"lifted": await app.switch.resume()}
            returned = time.monotonic_ns()
    except SecondMeError as error:
        return {"called": called, "returned": time.monotonic_ns(), "error": str(error)}
    return {"called": called, "returned": returned, **facts}


async def main() -> None:
    app = await open_app(load())
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await obey(app, line.strip())), flush=True)
    await app.close()


if __name__ == "__main__":
    asyncio.run(main())
