"""After an import: a line that lives while memory learns from the chat, and what it then knows."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from secondme.cli import show
from secondme.cli.people import name_of
from secondme.cli.ports import answers
from secondme.domain.errors import SecondMeError
from secondme.memory.importing import Report
from secondme.stores.ledger import imports
from secondme.stores.ledger.imports import Progress
from secondme.wiring import App

_LOOKS_EVERY = 0.2  # seconds


class ChatLost(SecondMeError):
    """Memory cannot learn from a chat."""


async def remember(app: App, report: Report, *, detach: bool) -> None:
    """Wait until memory has learned, or do it here where no graph worker runs. Raises ChatLost, StoreUnavailable."""
    if not report.remembers:
        return
    runs = await answers(app.settings.data_dir, "graph-worker", app.settings.graph_worker_port)
    print()
    if detach:
        when = "now, in the graph worker" if runs else "when a graph worker runs (`secondme up`)"
        print(f"Memory learns from {show.count(report.remembers, 'message')} {when}.")
    else:
        found = await (_watched(app, report.import_id) if runs else _worked(app, report.import_id))
        _say(found)
    await _who(app, report)


async def _worked(app: App, import_id: UUID) -> Progress | None:
    """Learn from it here; whoever else has begun with it is watched."""
    watching = asyncio.create_task(_watched(app, import_id))
    try:
        while not watching.done():
            if not await app.import_worker.work_once():
                await asyncio.wait({watching}, timeout=_LOOKS_EVERY)
        return await watching
    finally:
        watching.cancel()


async def _watched(app: App, import_id: UUID) -> Progress | None:
    """Show how far it is until it is at an end. None where it was forgotten meanwhile."""
    with _line() as shown:
        while True:
            async with app.ledger.light() as light:
                found = await imports.progress(light, import_id)
            if found is None or found.state != imports.WAITING:
                return found
            shown(found)
            await asyncio.sleep(_LOOKS_EVERY)


@contextmanager
def _line() -> Iterator[Callable[[Progress], None]]:
    """Messages, what is known from them, and the time that is left; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda found: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    known = TextColumn("messages, {task.fields[entities]:,} known from them,")
    columns = (TextColumn("Remembering"), BarColumn(), MofNCompleteColumn(), known, TimeRemainingColumn())
    with Progress(*columns, TextColumn("left"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("learn", total=None, entities=0)
        yield lambda found: bar.update(task, completed=found.done, total=found.total, entities=found.entities)


def _say(found: Progress | None) -> None:
    if found is None:
        print("The chat was forgotten meanwhile.")
    elif found.state == imports.FAILED:
        raise ChatLost(found.failure)
    else:
        things = show.count(
            found.entities,
            "person, company, topic, event or place",
            "people, companies, topics, events and places",
        )
        print(f"Remembered: {show.count(found.total, 'message')}, {things} known from this chat.")


async def _who(app: App, report: Report) -> None:
    """How to say that somebody in the chat is somebody who writes: a name alone links nobody."""
    if report.partner is None:  # a group's: each of its authors is one
        print("Whoever wrote in this group is kept apart from whoever writes to you, unless by their number.")
        print("If you know one to be one of your contacts, say so; `secondme contacts` lists the ids:")
        print(f"  {show.command('merge ID CONTACT')}")
    elif not report.linked:
        name = name_of(await app.control.find(str(report.partner), imported=True))
        print(f"{name} is kept apart from whoever writes to you.", end=" ")
        print("If you know them to be one of your contacts, say so:")
        print(f"  {show.command(f'merge {report.partner} CONTACT')}")
