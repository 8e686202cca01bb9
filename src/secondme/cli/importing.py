"""`import`: a chat that the owner exported becomes their voice and memory. Loads little, so that a dry run is quick."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from secondme.cli import show
from secondme.domain.errors import Invalid

if TYPE_CHECKING:
    from secondme.memory.exports import Export
    from secondme.memory.importing import Report
    from secondme.wiring import App

_AUTHORS = 50  # listed


def dry_run(file: Path, order: str | None, *, as_json: bool) -> None:
    """Read and store nothing. Raises ExportError."""
    from secondme.memory.exports import json_line, open_export

    export = open_export(file, order=order)
    if not as_json:
        _describe(export)
        return
    show.in_utf8()
    sys.stdout.writelines(f"{json_line(message)}\n" for message in export.messages())


def list_authors(file: Path, order: str | None) -> None:
    """Who writes in it, for an owner who did not say which of them they are. Raises Invalid where nobody does."""
    from secondme.memory.exports import open_export

    names = _describe(open_export(file, order=order))
    if not names:
        raise Invalid("Nobody writes in this chat: choose another export.")
    print(
        'Nothing was kept. To learn your voice, say which of these you are, as it stands there: --me "YOUR NAME"'
    )


def _describe(export: "Export") -> list[str]:
    """Print how the file is understood and who writes in it; returns the names."""
    authors: dict[str, int] = {}
    messages = 0
    for message in export.messages():
        messages += 1
        if message.author is not None:
            authors[message.author] = authors.get(message.author, 0) + 1
    layout = export.layout
    print(
        f"{show.count(messages, 'message')}; dates are {layout.order}, {layout.hours} hours: {layout.decided}."
    )
    ranked = sorted(authors, key=lambda name: -authors[name])
    show.table(("author", "messages"), [(name, f"{authors[name]:,}") for name in ranked[:_AUTHORS]])
    if len(ranked) > _AUTHORS:
        print(f"… and {len(ranked) - _AUTHORS:,} more.")
    return ranked


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the owner wants of an import. `whom`: who the other one is. `sure`: ask nothing."""

    me: str
    order: str | None = None
    keep_voice: bool = False
    whom: str | None = None
    relationship: str | None = None
    model: bool = True
    sure: bool = False
    detach: bool = False


async def learn(file: Path, wishes: Wishes) -> None:
    """Import for good. Raises ExportError, NotFound where the owner does not write in it, and what opening raises."""
    from secondme.cli.opening import opened
    from secondme.cli.remembering import remember
    from secondme.memory.exports import open_export

    await asyncio.to_thread(open_export, file, order=wishes.order)  # what is no export starts no stores
    async with opened() as app:
        whom = (await app.control.find(wishes.whom, imported=True))[0].id if wishes.whom else None
        by_model = await _may_ask(app, file, wishes)
        with _progress() as progress:
            report = await app.importer.run(
                file,
                wishes.me,
                wishes.keep_voice,
                wishes.order,
                progress,
                whom=whom,
                relationship=wishes.relationship,
                by_model=by_model,
            )
        _say(report, wishes.me, keep_voice=wishes.keep_voice)
        await remember(app, report, detach=wishes.detach)


async def _may_ask(app: "App", file: Path, wishes: Wishes) -> bool:
    """Whether a model may read the chat for memory: only after the owner has seen what that takes."""
    from secondme.memory.extract import estimate

    extractor = app.minds.extractor
    if extractor is None or not wishes.model or app.settings.extraction == "rules":
        return False
    cost = estimate(*await asyncio.to_thread(_size, file, wishes.order))
    print(
        f"For memory {extractor.name} would read this chat: about {show.count(cost.calls, 'call')}"
        f" and {cost.tokens:,} tokens, at its provider's price."
    )
    if wishes.sure:
        return True
    if sys.stdin.isatty() and typer.confirm("Ask it?", err=True):
        return True
    print("Rules read it instead, for nothing. With --yes the model does; --no-model says this at once.")
    return False


def _size(file: Path, order: str | None) -> tuple[int, int]:
    """How many messages say anything, and how many characters they have."""
    from secondme.memory.exports import open_export

    said = [len(m.text) for m in open_export(file, order=order).messages() if m.author is not None and m.text]
    return len(said), sum(said)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere. What it yields is called from another thread."""
    if not sys.stderr.isatty():
        yield lambda done, size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("read", total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)


def _say(report: "Report", me: str, *, keep_voice: bool) -> None:
    """What was learned, what was kept and where, and what was not."""
    style, persona = report.persona.style, report.persona
    print(f"Read {show.count(report.messages, 'message')}, {report.own:,} of them by {show.plain(me)}.")
    print(f"Dates: {report.layout}.")
    print()
    print(
        f"Learned: a {persona.tone} voice, {show.count(len(style.phrases), 'phrase')} said again and again."
    )
    for line in persona.style_guide.splitlines():
        print(f"  {show.plain(line)}")
    print()
    if keep_voice:
        known = report.offered - report.kept
        again = f" ({known:,} were known already)" if known else ""
        between = f", {report.between:,} of them only for the one you wrote them to" if report.between else ""
        print(
            f"Kept, sealed in the ledger: {show.count(report.kept, 'reply', 'replies')} of yours{again}{between}."
        )
    else:
        print("Kept: the figures and phrases above. With --keep-voice also replies of yours, to answer from.")
    if report.taken_back:
        print(f"Taken back: {show.count(report.taken_back, 'reply', 'replies')} kept of this chat before.")
    if report.replaced:
        aside = show.count(report.replaced, "reply", "replies")
        print(
            f"Set aside: {aside} of somebody else's. One voice at a time: importing their chat brings them back."
        )
    if not report.remembers:
        print("Nothing else of this chat was stored, and nothing that anybody else wrote.")
