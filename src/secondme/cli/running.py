"""Running services in this process: open, start, wait for a signal, drain, close."""

import asyncio
import signal
from collections.abc import Callable, Sequence

from secondme.observe.logs import configure
from secondme.services import MAKE, Runner
from secondme.settings import Settings
from secondme.wiring import App, open_app

Say = Callable[[str], None]


async def run_services(
    settings: Settings,
    names: Sequence[str],
    say: Say = print,
    started: Callable[[App], "asyncio.Future[None] | None"] | None = None,
) -> None:
    """Run until SIGINT or SIGTERM; a second one stops waiting for what is unfinished. Raises SecondMeError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    configure(
        names[0] if len(names) == 1 else "secondme",
        data_dir=settings.data_dir,
        level=settings.log_level,
        stderr=False,
    )
    opening = asyncio.create_task(open_app(settings, say))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        return
    app = opening.result()
    runner = Runner(app, [MAKE[name](app) for name in names])
    try:
        await runner.start()
        say("ready")
        await stop.wait()
    finally:
        await runner.stop()
        await app.close()
