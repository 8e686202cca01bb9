"""Finding out how a file writes its headers: from its beginning, and from the rest only as far as needed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from secondme.memory.exports.calendars import Days, islamic, numbers, thai
from secondme.memory.exports.clock import Clock, learn, period_words
from secondme.memory.exports.errors import ExportError
from secondme.memory.exports.headers import Header, Shape, detect, separators
from secondme.memory.exports.message import Layout
from secondme.memory.exports.order import Evidence, Hints, Verdict, candidates
from secondme.memory.exports.records import Lines, Records, evened

_HEAD = 64 << 10  # characters


@dataclass(frozen=True, slots=True)
class Reading:
    """All that is needed to read the headers of one file."""

    shape: Shape
    order: str
    thai: bool
    learnt: dict[str, str]
    apart: bool  # a line break inside a message is told from one after it

    def records(self) -> Records:
        return Records(self.shape, Days(self.order, thai=self.thai), Clock(self.learnt), apart=self.apart)


def survey(stream: Iterator[str], latest: date, order: str | None) -> tuple[Layout, Reading, int]:
    """The layout, how to read it, and the lines before the first message. Reads the stream to its end.

    `latest` is the last day that the export can speak of; `order` decides what the file does not.
    """
    head = _head(stream)
    shape, headers = detect(evened(head, apart=False))
    if apart := _apart(shape, head):  # then look again: some of these were only written by somebody
        shape, headers = detect(evened(head, apart=True))
    head, stream = evened(head, apart=apart), (evened(text, apart=apart) for text in stream)
    words = learn((h.date, h.time) for h in headers)
    allowed, is_thai = _dates(headers, shape, latest, order)
    evidence = Evidence(allowed, latest, is_thai)
    verdict = _decide(evidence, shape, _hints(headers, words), head, stream, order)
    reading = Reading(shape, verdict.order, is_thai, words, apart)
    clock = Clock(words)
    hours = 12 if any(clock.twelve(h.time) for h in headers) else 24
    layout = Layout(verdict.order, verdict.certain, verdict.decided, hours, shape.close == "bracket")
    records = reading.records()
    if not [*records.feed(head), *records.finish()]:
        raise ExportError(
            "The beginning of this file looks like a WhatsApp export, but none of its dates and times exist. "
            "Export the chat again and give the new file."
        )
    return layout, reading, records.preamble


def _apart(shape: Shape, head: str) -> bool:
    """Whether messages end with a carriage return and a line feed, as on an iPhone, where a line break inside of one
    is a line feed alone: so it is where most headers follow both."""
    found = [head[: header.start()].endswith("\r") for header in shape.regex.finditer(head)]
    return sum(found) * 2 > len(found)


def _head(stream: Iterator[str]) -> str:
    pieces, length = [], 0
    for text in stream:
        pieces.append(text)
        length += len(text)
        if length >= _HEAD:
            break
    return "".join(pieces)


def _dates(
    headers: list[Header], shape: Shape, latest: date, wanted: str | None
) -> tuple[tuple[str, ...], bool]:
    """The orders that the dates allow, and whether their two-digit years are Buddhist."""
    written = list(dict.fromkeys(h.date for h in headers))
    parts = [found for day in written if (found := numbers(day))]
    if sum(islamic(part[0][1]) or islamic(part[2][1]) for part in parts) * 2 > len(parts):
        raise ExportError(
            "This export counts its years in the Islamic calendar, which SecondMe does not read. "
            "Set the phone to the Gregorian calendar and export the chat again."
        )
    allowed = candidates(
        written,
        latest,
        wanted=wanted,
        spaced_dots="." in shape.between[0] and any(" " in day for day in written),
    )
    at = 0 if allowed[0] == "ymd" else 2
    return allowed, thai(part[at][1] for part in parts if part[at][2] <= 2)


def _hints(headers: list[Header], learnt: dict[str, str]) -> Hints:
    written = [h.date for h in headers]
    digits = (c for day in written for c in day if c.isdigit())
    words = {word for h in headers for word in period_words(h.time, learnt)}
    return Hints(separators(written[0])[0], all(c.isascii() for c in digits), frozenset(words))


def _decide(
    evidence: Evidence, shape: Shape, hints: Hints, head: str, stream: Iterator[str], order: str | None
) -> Verdict:
    """The order of the dates. The stream is read to its end in any case: that checks the whole file."""
    regex, lines = shape.regex, Lines()
    date_group = 2 if shape.time_first else 1

    def dates(buffer: str) -> Iterable[tuple[str, bool]]:
        for found in regex.finditer(buffer):
            spoken = found[3] is not None and buffer[found.end() : found.end() + 1] != "\u200e"
            yield found[date_group], spoken

    evidence.feed(dates(lines.feed(head)))
    verdict = evidence.early()
    for text in stream:
        if verdict is None or order not in (None, verdict.order):
            evidence.feed(dates(lines.feed(text)))
            verdict = evidence.early()
    if verdict is None:
        evidence.feed(dates(lines.finish()))
    if order is None:
        return verdict or evidence.final(hints)
    return verdict if verdict is not None and verdict.order == order else _given(evidence, order)


def _given(evidence: Evidence, order: str) -> Verdict:
    if not evidence.fits(order):
        raise ExportError(
            f"The dates of this export cannot be read as {order}. Give another --date-order, or none."
        )
    return Verdict(order, False, f"--date-order {order} was given")
