"""Opening the instance for the time of one command, and what every command does before and after its work."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import typer

from secondme.cli import show, standing
from secondme.domain.errors import NotFound
from secondme.embedded.folder import open_folder
from secondme.loading import load
from secondme.meaning import LOOKING, SERVING
from secondme.observe.logs import configure
from secondme.settings import Settings
from secondme.wiring import App, open_app

TERMINATED = 143  # the exit code that shells give for SIGTERM


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run one command's work; a SIGTERM ends it as Ctrl-C would, so that stores it started are stopped."""

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise typer.Exit(TERMINATED) from None


@asynccontextmanager
async def opened(*, reads: bool = False, serves: bool = False) -> AsyncIterator[App]:
    """The instance of this directory: its running stores are joined, or started for as long as the block lasts.

    `reads` says that the command could only find what is there already: a data directory that was never used
    then stays so. Raises NotFound for that, and what `open_app` raises (see there for `serves`).
    """
    settings = load(checks=SERVING if serves else LOOKING)
    if reads:
        refuse_unused(settings)
    prepare(settings, "cli")
    standing.follow(settings)
    app = await open_app(settings, tell, serves=serves)
    try:
        yield app
    finally:
        await app.close()


def refuse_unused(settings: Settings) -> None:
    """Raises NotFound where no ledger was ever made."""
    if is_unused(settings):
        raise NotFound(
            f"Nothing has been started yet in {shown(settings.data_dir)}: run `secondme up` "
            "(or `secondme up --demo` for a try with invented people)."
        )


def is_unused(settings: Settings) -> bool:
    """Whether the ledger would be an embedded one that does not exist."""
    return settings.database_url is None and not (settings.data_dir / "postgres" / "PG_VERSION").exists()


def prepare(settings: Settings, service: str, *, stderr: bool = False) -> None:
    """Make the data directory ours, and send what this process logs to `logs/SERVICE.jsonl` in it."""
    settings.data_dir = open_folder(settings.data_dir)
    configure(service, data_dir=settings.data_dir, level=settings.log_level, stderr=stderr)


def log_file(settings: Settings, service: str) -> Path:
    return settings.data_dir / "logs" / f"{service}.jsonl"


def tell(line: str) -> None:
    """A word on what takes time, or on what to know first, if any; never in the way of what the command prints."""
    if line:
        print("\n".join(map(show.plain, line.split("\n"))), file=sys.stderr, flush=True)


def shown(path: Path) -> str:
    """A path as one would type it here."""
    path = path.expanduser().absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
