"""Running services in this process: open, start, wait to be asked to stop, drain, close."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import uvloop

from secondme.cli import standing
from secondme.cli.halting import Halt
from secondme.cli.ports import claimed, refuse_taken
from secondme.domain.errors import SecondMeError, StoreUnavailable
from secondme.observe.health import Ping
from secondme.observe.logs import get_logger
from secondme.services import MAKE, Runner, ended
from secondme.settings import Settings
from secondme.web.neighbours import ports_of
from secondme.wiring import App, Say, open_app

log = get_logger("running")
_LOOK_EVERY = 1.5  # seconds between two looks at the embedded stores
_COLLECT_AFTER = 10_000  # objects made and not yet gone

Act = Callable[[App], Coroutine[Any, Any, None]]


async def nothing(app: App) -> None:
    """What happens before or after the start where nothing needs to."""


def run_forever(work: Coroutine[Any, Any, None]) -> None:
    """Run a process of services on the quick event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def _collect_seldom() -> None:
    """What was made by now stays, and what a busy moment holds is no garbage: looking through both costs a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


async def run_services(
    settings: Settings, names: Sequence[str], say: Say, *, before: Act = nothing, started: Act = nothing
) -> None:
    """Run these services until asked to stop; `settings.data_dir` is ours already.

    `before` runs between opening and starting, `started` once every port answers. Raises SecondMeError.
    """
    halt = Halt()
    halt.listen()
    ports = {name: port for name, port in ports_of(settings).items() if name in names}
    async with claimed(settings.data_dir, ports.values(), halt, say) as claim:
        await refuse_taken(ports)
        app = await halt.unless_asked(open_and(settings, say, before))
        if app is None:
            return
        try:

            async def running(app: App) -> None:
                standing.leave(app)
                claim.running()
                await started(app)
                _collect_seldom()

            await _serve(app, names, halt, say, running)
        finally:
            claim.leaving()
            await app.close()


async def open_and(settings: Settings, say: Say, before: Act) -> App:
    """Open the instance and prepare it; nothing stays open when that fails or is cancelled."""
    app = await open_app(settings, say, serves=True)
    try:
        for ping in app.pings.values():
            await _warn(ping, say)
        await before(app)
    except BaseException:
        await app.close()
        raise
    return app


async def _warn(ping: Ping, say: Say) -> None:
    """Services start without a store of the owner's own that does not answer; they are told what to do."""
    try:
        await ping()
    except StoreUnavailable as error:
        say(str(error))


async def _serve(app: App, names: Sequence[str], halt: Halt, say: Say, started: Act) -> None:
    runner = Runner(app, [MAKE[name](app) for name in names])
    care = asyncio.create_task(keep_stores(app, say))
    try:
        if await halt.unless_asked(_start(runner)):
            await halt.unless_asked(started(app))  # not said to somebody who has pressed Ctrl-C meanwhile
            await halt.asked.wait()
            say("Stopping: finishing what is under way …")
    finally:
        await ended([care])
        await _drain(runner, halt, say)


async def _start(runner: Runner) -> bool:
    await runner.start()
    return True


async def _drain(runner: Runner, halt: Halt, say: Say) -> None:
    left = await halt.unless_pressed(runner.stop())
    if left is None:
        # Whatever still runs must be gone before the stores are closed under it.
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=2) if rest else None
        say("Not waiting any longer: what is unfinished is taken up at the next start.")
    elif left:
        say(f"{len(left)} unfinished, taken up at the next start: {', '.join(left)}")


async def keep_stores(app: App, say: Say) -> None:
    """Start again whichever embedded store has died. Cancelled first of all at a stop, it cannot fight one."""
    given = app.settings
    addresses = {
        "postgres": given.database_url,
        "redis": given.redis_address,
        "falkordb": given.falkordb_address,
    }
    ours, told = {name for name, address in addresses.items() if address is None}, ""
    while app.stores:
        await asyncio.sleep(_LOOK_EVERY)
        states = (await app.health())["dependencies"]
        if away := [name for name in ours if states[name] != "ok"]:
            try:
                await app.stores.revive()
            except SecondMeError as error:
                log.warning("stores.not_revived", stores=away, error=str(error))
                if str(error) != told:
                    told = str(error)
                    say(told)
            except Exception:
                log.exception("stores.not_revived", stores=away)  # one bad look must not be the last
            else:
                told = ""
                log.warning("stores.revived", stores=away)
