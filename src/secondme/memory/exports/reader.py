"""Reading an export: find its layout once, then stream its messages as often as wanted."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from secondme.memory.exports.authors import Authors
from secondme.memory.exports.bodies import Read, plain_bodies, read_body
from secondme.memory.exports.errors import ExportError
from secondme.memory.exports.message import ExportMessage, Kind, Layout
from secondme.memory.exports.order import ORDERS
from secondme.memory.exports.records import Record, evened
from secondme.memory.exports.source import Source, Texts, open_source
from secondme.memory.exports.survey import Reading, survey
from secondme.memory.exports.words import unmarked

_PROGRESS = 64 << 10  # bytes between two reports at least
_REPEATED = 80  # characters of a body short enough to be one that comes again, such as "<Media omitted>"


@dataclass(slots=True)
class Export:
    """An export whose layout is known.

    `title` is the chat's name as the file names give it; `size` the uncompressed bytes of the chat;
    `preamble` the lines before its first message, which are not read; `damaged` its characters that were no
    UTF-8. After an iteration `doubtful` counts the lines that look like headers of an impossible date or
    time: they are kept, as part of the message before them.
    """

    layout: Layout
    title: str | None
    size: int
    preamble: int
    damaged: int
    _source: Source
    _reading: Reading
    doubtful: int = field(default=0, init=False)

    def messages(
        self, progress: Callable[[int], None] | None = None, me: str | None = None
    ) -> Iterator[ExportMessage]:
        """All messages in the order of the file; `progress` is called with the bytes read so far.

        `me` is the owner, if known: who calls themselves so without being a contact keeps the tilde before the name.
        Memory does not grow with the file. Raises ExportError if the file cannot be read to its end.
        """
        records, texts = self._reading.records(), Texts(self._source)
        build = _Builder(me, iphone=self._reading.shape.close != "dash")
        reported = 0
        for text in texts:
            yield from build(records.feed(evened(text, apart=self._reading.apart)))
            if progress is not None and texts.size - reported >= _PROGRESS:
                reported = texts.size
                progress(reported)
        yield from build(records.finish())
        self.doubtful = records.doubtful
        if progress is not None and reported < texts.size:
            progress(texts.size)


class _Builder:
    """Makes messages of records."""

    def __init__(self, me: str | None, *, iphone: bool) -> None:
        self._iphone = iphone
        self._authors = Authors(me)
        self._plain = plain_bodies()
        self._repeated: dict[str, Read] = {}

    def __call__(self, records: Iterable[Record]) -> Iterator[ExportMessage]:
        authors, plain, text = self._authors, self._plain, Kind.TEXT
        for at, written, body in records:
            author = authors[written]
            if author is None:
                said = body if written is None else f"{written}: {body}"
                yield ExportMessage(at, None, Kind.SYSTEM, unmarked(said).strip(), None)
            elif (
                "<" in body
                or "(" in body
                or (len(body) < _REPEATED and body in plain)
                or not (body.isascii() or ("\u200e" not in body and "\u200f" not in body))
            ):
                yield self._marked(at, author, body)
            else:
                yield ExportMessage(at, author, text, body, None)

    def _marked(self, at: datetime, author: str, body: str) -> ExportMessage:
        """A message whose body may be more or less than words."""
        read = self._repeated.get(body)
        if read is None:
            read = read_body(body, iphone=self._iphone)
            if len(body) <= _REPEATED and len(self._repeated) < 1000:
                self._repeated[body] = read
        kind, text, attachment, edited = read
        return ExportMessage(at, None if kind is Kind.SYSTEM else author, kind, text, attachment, edited)


def open_export(path: Path, *, order: str | None = None) -> Export:
    """Finds the layout of an export and checks that all of it can be read.

    `order` (dmy, mdy, ymd) says the order of the date's parts. Raises DateOrderAmbiguous if it is None and
    the file does not tell, and ExportError for anything that is no readable export.
    """
    if order is not None and order not in ORDERS:
        raise ExportError(f"The order of a date is one of {', '.join(ORDERS)}, not {order!r}.")
    source = open_source(path)
    texts = Texts(source)
    latest = (source.made or date.today()) + timedelta(days=2)
    layout, reading, preamble = survey(iter(texts), latest, order)
    texts.check_damage()
    return Export(layout, source.title, texts.size, preamble, texts.damaged, source, reading)
