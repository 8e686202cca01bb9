"""Text cut into records at its headers, chunk by chunk, so that no line is lost and none is read twice."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from itertools import chain
from typing import cast

from secondme.memory.exports.calendars import Days
from secondme.memory.exports.clock import Clock
from secondme.memory.exports.headers import LONGEST, Shape

Record = tuple[datetime, str | None, str]
"""When, the name as written or None, and the body."""

WITHIN = "\0"
"""A line break inside a message, in text whose messages end otherwise; no text holds it by itself."""

_ALONE = re.compile(r"(?<!\r)\n")


def evened(text: str, *, apart: bool) -> str:
    """The text with line feeds alone between lines. `apart`: only those after a carriage return end a message, so the
    others become WITHIN."""
    return (_ALONE.sub(WITHIN, text) if apart else text).replace("\r\n", "\n")


class Lines:
    """Holds back the last, unfinished line of each chunk; what it hands out begins at a line feed.

    A line that is too long to be held is handed out in pieces, the later ones without a line feed in front:
    its beginning has shown whether it is a header, and the rest is body.
    """

    def __init__(self) -> None:
        self._rest = "\n"

    def feed(self, text: str) -> str:
        buffer = self._rest + text
        cut = buffer.rfind("\n")
        if cut < 0 or len(buffer) - cut > LONGEST:
            cut = len(buffer)
        self._rest = buffer[cut:]
        return buffer[:cut]

    def finish(self) -> str:
        """The last line; empty if the text ended with a line feed."""
        rest, self._rest = self._rest, ""
        return "" if rest == "\n" else rest


class Records:
    """Cuts text into records. `preamble` counts the lines before the first one.

    A line that looks like a header of an impossible date or time stays in the body before it, and is counted
    as `doubtful`.
    """

    def __init__(self, shape: Shape, days: Days, clock: Clock, *, apart: bool) -> None:
        """`apart`: the text is `evened` so, and the line breaks of bodies are to be made what they were."""
        self._apart = apart
        self._regex: re.Pattern[str] = shape.regex
        self._date, self._time = (2, 1) if shape.time_first else (1, 2)
        self._days, self._clock = days, clock
        self._lines = Lines()
        self._open: tuple[datetime, str | None] | None = None  # the record whose body may go on
        self._pieces: list[str] = []  # of that body, or of the preamble
        self.preamble = 0
        self.doubtful = 0

    def feed(self, text: str) -> Iterable[Record]:
        """The records that this chunk completes; they are to be taken before the next chunk is fed."""
        return self._whole(self._absorb(self._lines.feed(text)))

    def finish(self) -> Iterable[Record]:
        """The records that the end of the text completes."""
        records = list(self._absorb(self._lines.finish()))
        body = "".join(self._pieces)
        if self._open is None:
            self.preamble = body.count("\n")
            return records
        return self._whole([*records, (*self._open, body)])

    def _whole(self, records: Iterable[Record]) -> Iterable[Record]:
        if not self._apart:
            return records
        return ((at, name, body.replace(WITHIN, "\n")) for at, name, body in records)

    def _absorb(self, buffer: str) -> Iterable[Record]:
        parts = cast("list[str]", self._regex.split(buffer))
        try:
            times = self._times(parts)
        except TypeError:  # one of them is None
            parts = self._careful(buffer)
            times = self._times(parts)
        self._pieces.append(parts[0])
        if not times:
            return ()
        body = "".join(self._pieces)
        names, bodies = cast("list[str | None]", parts[3::4]), parts[4::4]
        before, self._open = self._open, (times[-1], names[-1])
        self._pieces = [bodies.pop()]
        complete = zip(times, names, bodies, strict=False)
        if before is None:
            self.preamble = body.count("\n")
            return complete
        return chain(((*before, body),), complete)

    def _times(self, parts: list[str]) -> list[datetime]:
        day = cast("Callable[[str], date]", self._days.__getitem__)
        clock = cast("Callable[[str], time]", self._clock.__getitem__)
        return list(
            map(datetime.combine, map(day, parts[self._date :: 4]), map(clock, parts[self._time :: 4]))
        )

    def _careful(self, buffer: str) -> list[str]:
        """The parts of the buffer, with impossible headers left in the bodies."""
        parts, end = [""], 0
        for found in self._regex.finditer(buffer):
            if self._days[found[self._date]] is None or self._clock[found[self._time]] is None:
                self.doubtful += 1
                continue
            parts[-1] = buffer[end : found.start()]
            parts += [found[1], found[2], found[3], ""]
            end = found.end()
        parts[-1] = buffer[end:]
        return parts
