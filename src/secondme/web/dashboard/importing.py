"""Importing a chat from the page: look first, then learn, with progress as lines of JSON."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from secondme.domain.errors import Invalid, NotFound, SecondMeError
from secondme.memory.exports import DateOrderAmbiguous
from secondme.memory.importing import Report
from secondme.observe.logs import get_logger
from secondme.stores.ledger import glances, imports
from secondme.web.dashboard.upload import Upload, receive
from secondme.web.dashboard.views import InspectedView, RememberedView, SampleBody, SampleView
from secondme.wiring import App

log = get_logger("dashboard")


@dataclass(frozen=True, slots=True)
class Sample:
    """A chat that comes with SecondMe; its people are invented."""

    folder: str
    file: str
    me: str
    about: str


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the owner says of a chat. `whom`: the contact that the other one is."""

    me: str
    keep_voice: bool
    order: str | None
    whom: UUID | None
    relationship: str | None


SAMPLES = {
    "lena": Sample(
        "lena",
        "WhatsApp Chat with Mara Ruiz.txt",
        "Lena Brandt",
        "Lena writes loose and quick, with double letters and little punctuation.",
    ),
    "viktor": Sample("viktor", "_chat.txt", "Viktor Hale", "Viktor writes whole, considered sentences."),
}


def samples() -> list[SampleView]:
    """The chats that come with SecondMe."""
    return [SampleView(name=name, file=s.file, me=s.me, about=s.about) for name, s in SAMPLES.items()]


async def inspect(app: App, request: Request) -> InspectedView:
    """Who writes in an uploaded export; nothing is kept. Raises Invalid, ExportError."""
    upload = await receive(request, upload_folder(app))
    try:
        return await _look(app, upload.path, upload.name, _order(upload))
    finally:
        upload.delete()


async def inspect_sample(app: App, name: str) -> InspectedView:
    """Who writes in a bundled sample. Raises NotFound."""
    sample = _sample(name)
    with as_file(files("secondme") / "samples" / sample.folder / sample.file) as path:
        return await _look(app, path, sample.file, None)


async def _look(app: App, path: Path, name: str, order: str | None) -> InspectedView:
    found = dict(await app.importer.inspect(path, order))
    return InspectedView(
        file=name, authors=found["authors"], layout=found.get("layout"), messages=found["messages"]
    )


async def run(app: App, request: Request) -> StreamingResponse:
    """Import an uploaded export; the answer is lines of JSON: progress, then the report or an error.

    Raises Invalid, and NotFound for a contact that there is not.
    """
    upload = await receive(request, upload_folder(app))
    try:
        wishes = await _wishes(app, upload)
    except SecondMeError:
        upload.delete()
        raise
    return _Lines(_import(app, upload.path, wishes), upload)


async def run_sample(app: App, body: SampleBody) -> StreamingResponse:
    """Import a bundled sample, answered as `run` is. Raises NotFound."""
    sample = _sample(body.name)
    path = Path(str(files("secondme") / "samples" / sample.folder / sample.file))
    whom = await _contact(app, str(body.contact) if body.contact else "")
    return _Lines(
        _import(app, path, _Wishes(sample.me, body.keep_voice, None, whom, body.relationship)), None
    )


async def _wishes(app: App, upload: Upload) -> _Wishes:
    fields = upload.fields
    me, keep = fields.get("me", "").strip(), fields.get("keepVoice", "")
    if not me or keep not in ("yes", "no"):
        raise Invalid("Say who you are in this chat (me), and keepVoice: yes or no.")
    whom = await _contact(app, fields.get("contact", ""))
    return _Wishes(me, keep == "yes", _order(upload), whom, fields.get("relationship") or None)


async def _contact(app: App, wanted: str) -> UUID | None:
    """The contact of this id, where one is given. Raises NotFound."""
    return (await app.control.find(wanted, imported=True))[0].id if wanted else None


async def remembered(app: App, import_id: UUID) -> RememberedView:
    """How far memory has come. Raises NotFound where the import was forgotten."""
    async with app.ledger.light() as light:
        found = await imports.progress(light, import_id)
    if found is None:
        raise NotFound("There is no such import; it may have been forgotten.")
    return RememberedView(**asdict(found))


class _Lines(StreamingResponse):
    """A stream that deletes the uploaded file when it ends, also where nobody ever read it."""

    def __init__(self, lines: AsyncIterator[bytes], upload: Upload | None) -> None:
        super().__init__(lines, media_type="application/x-ndjson")
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._upload:
                self._upload.delete()


async def _import(app: App, path: Path, wishes: _Wishes) -> AsyncIterator[bytes]:
    loop, ticks = asyncio.get_running_loop(), asyncio.Queue[tuple[int, int] | None]()

    def progress(done: int, size: int) -> None:
        """Called from the thread that reads."""
        loop.call_soon_threadsafe(ticks.put_nowait, (done, size))

    work = asyncio.create_task(
        app.importer.run(
            path,
            wishes.me,
            wishes.keep_voice,
            wishes.order,
            progress,
            whom=wishes.whom,
            relationship=wishes.relationship,
        )
    )
    work.add_done_callback(lambda _: ticks.put_nowait(None))
    try:
        while (tick := await ticks.get()) is not None:
            yield _line({"progress": {"done": tick[0], "size": tick[1]}})
        yield _line(await _ending(app, work))
    finally:
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError, SecondMeError):
                await work


async def _ending(app: App, work: "asyncio.Task[Any]") -> dict[str, Any]:
    error = work.exception()
    if isinstance(error, SecondMeError):
        return {"error": in_words(error)}
    if error is not None:
        log.error("import.failed", error=type(error).__name__)
        return {
            "error": "The import failed unexpectedly; nothing of this chat is in use. See the log, and try again."
        }
    async with app.ledger.transaction() as tx:
        kept = await glances.kept_replies(tx)
    return {"report": _report(work.result(), kept)}


def _report(done: Report, kept: int) -> dict[str, Any]:
    style = done.persona.style
    return {
        "id": str(done.import_id),
        "remembers": done.remembers,
        "messages": done.messages,
        "own": done.own,
        "layout": done.layout,
        "offered": done.offered,
        "kept": done.kept,
        "keptInAll": kept,
        "setAside": done.replaced,
        "persona": {
            "name": done.persona.name,
            "tone": done.persona.tone,
            "styleGuide": done.persona.style_guide,
            "examples": list(done.persona.examples[:6]),
        },
        "style": {
            "words": round(style.words, 1),
            "emoji": round(style.emoji, 2),
            "lowerCase": round(style.lower_case, 2),
            "fullStop": round(style.full_stop, 2),
            "burst": round(style.burst, 1),
        },
    }


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def upload_folder(app: App) -> Path:
    return app.settings.data_dir / "run"


def _order(upload: Upload) -> str | None:
    order = upload.fields.get("order") or None
    if order not in (None, "dmy", "mdy", "ymd"):
        raise Invalid("The order of a date is dmy, mdy or ymd.")
    return order


def _sample(name: str) -> Sample:
    if name not in SAMPLES:
        raise NotFound(f"There is no sample of this name; there are: {', '.join(SAMPLES)}.")
    return SAMPLES[name]


def needs_order(error: Exception) -> bool:
    """Whether asking for the order of the date's parts would help."""
    return isinstance(error, DateOrderAmbiguous)


def in_words(error: Exception) -> str:
    """What an error says on the page, which has buttons where the command line has options."""
    if needs_order(error):
        return "Nothing in this chat tells the day from the month in its dates. Say below which comes first."
    return str(error)
