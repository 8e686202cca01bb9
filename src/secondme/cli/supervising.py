"""`up --processes`: the four services as children of this process, replaced when they die unasked."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from secondme.cli.halting import LIFELINE, Halt
from secondme.cli.ports import RUNNING, claimed, holder, refuse_taken
from secondme.cli.running import Act, keep_stores, open_and
from secondme.domain.errors import ConfigError
from secondme.observe.logs import get_logger
from secondme.services import ended
from secondme.settings import Settings
from secondme.web.neighbours import ports_of
from secondme.wiring import Say

log = get_logger("supervising")
_TO_START = 90.0  # seconds
_TO_STOP = 40.0  # seconds; a child drains for at most twelve
_FIRST_REST, _LONGEST_REST = 0.5, 30.0  # seconds before a child is replaced, doubling
_STEADY = 60.0  # seconds after which a child counts as healthy again


class Child:
    """One service in a process of its own, in a session of its own: Ctrl-C reaches it through us alone."""

    def __init__(self, name: str, data_dir: Path, port: int, lifeline: int) -> None:
        self.name = name
        self._data_dir = data_dir
        self._port = port
        self._lifeline = lifeline
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "secondme.cli", self.name),
            stdin=asyncio.subprocess.DEVNULL,
            env=os.environ | {LIFELINE: str(self._lifeline)},
            pass_fds=[self._lifeline],
            start_new_session=True,
        )

    async def ready(self) -> None:
        """Wait until it says that it runs. Raises ConfigError when it ends instead; it has said why."""
        assert self._process
        deadline = time.monotonic() + _TO_START
        while holder(self._data_dir, self._port) != (self._process.pid, RUNNING):
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise ConfigError(f"The {self.name} did not start.")
            await asyncio.sleep(0.05)

    async def keep(self, say: Say) -> None:
        """Replace it whenever it ends unasked, sooner after a long life."""
        rest = _FIRST_REST
        while True:
            assert self._process
            began = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            rest = _FIRST_REST if time.monotonic() - began > _STEADY else min(rest * 2, _LONGEST_REST)
            log.warning("child.ended", service_ended=self.name, status=code)
            say(f"The {self.name} ended unasked ({_how(code)}); it is started again in {rest:.0f} s.")
            await asyncio.sleep(rest)
            await self.spawn()

    def ask(self) -> None:
        """Ask it to stop; asked again, it stops waiting for what is unfinished."""
        self._stopping = True
        self._send(signal.SIGTERM)

    async def gone(self) -> None:
        if self._process:
            await self._process.wait()

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


async def supervise(settings: Settings, names: Sequence[str], say: Say, before: Act, started: Act) -> None:
    """Run these services as children until asked to stop. This process holds the stores and prepares them.

    Raises SecondMeError. Should this process be killed, the children see their lifeline cut and stop.
    """
    halt, ports = Halt(), ports_of(settings)
    halt.listen()
    async with claimed(settings.data_dir, [ports[name] for name in names], halt, say):
        # Whoever was leaving has gone.
        await refuse_taken({name: ports[name] for name in names})
    app = await halt.unless_asked(open_and(settings, say, before))
    if app is None:
        return
    care = asyncio.create_task(keep_stores(app, say))
    with _lifeline() as end:
        children = [Child(name, settings.data_dir, ports[name], end) for name in names]
        keepers: list[asyncio.Task[None]] = []
        try:
            if await halt.unless_asked(_start(children)):
                keepers = [asyncio.create_task(child.keep(say)) for child in children]
                await halt.unless_asked(started(app))
                await halt.asked.wait()
                say("Stopping: finishing what is under way …")
        finally:
            await ended([care, *keepers])
            await _stop(children, halt)
            await app.close()


@contextmanager
def _lifeline() -> Iterator[int]:
    """The end that children watch. Nobody but this process has the other one."""
    watched, held = os.pipe()
    try:
        yield watched
    finally:
        os.close(watched)
        os.close(held)


async def _start(children: Sequence[Child]) -> bool:
    for child in children:
        await child.spawn()
    await asyncio.gather(*(child.ready() for child in children))
    return True


async def _stop(children: Sequence[Child], halt: Halt) -> None:
    for child in children:
        child.ask()
    gone = [asyncio.ensure_future(child.gone()) for child in children]
    pressed = asyncio.ensure_future(_ask_again(children, halt))
    await asyncio.wait(gone, timeout=_TO_STOP)
    pressed.cancel()
    for child in children:
        child.kill()
    await asyncio.gather(*gone)


async def _ask_again(children: Sequence[Child], halt: Halt) -> None:
    await halt.pressed.wait()
    for child in children:
        child.ask()
