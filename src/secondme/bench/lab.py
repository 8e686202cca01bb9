"""Where a measurement happens: a folder that goes afterwards, and programs that end with it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondme.bench.rows import Row
from secondme.domain.errors import SecondMeError

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH")


class BenchFailed(SecondMeError):
    """A program under measurement did not do its part; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Lab:
    """`folder` is scratch; `peers` the programs to compare with, where there are any."""

    folder: Path
    peers: Path | None = None

    def say(self, line: str) -> None:
        """What is going on, beside the table."""
        print(line, file=sys.stderr, flush=True)


Section = Callable[[Lab], Awaitable[list[Row]]]


def environment(**settings: str) -> dict[str, str]:
    """Nothing of the owner's own settings or keys; then `settings`."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | settings


async def program(command: Sequence[str | Path], folder: Path, seconds: float) -> str:
    """Run to the end, at most `seconds`; returns what it printed. Raises BenchFailed, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=folder,
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            printed, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
            await process.wait()
    if process.returncode:
        raise BenchFailed(f"{Path(command[0]).name} ended with {process.returncode}: {last_words(complaint)}")
    return printed.decode(errors="replace")


async def ours(module: str, plan: Mapping[str, Any], folder: Path, seconds: float) -> Any:
    """Run a module of the bench in a process of its own: `plan` goes in as JSON, JSON comes out."""
    command = [sys.executable, "-m", f"secondme.bench.{module}", json.dumps(plan)]
    return json.loads(await program(command, folder, seconds))


def last_words(printed: bytes) -> str:
    """The last line of what a program printed."""
    lines = printed.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
