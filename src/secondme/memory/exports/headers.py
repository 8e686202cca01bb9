"""What stands before every message, and the one expression that finds it in a given file.

Every expression begins with a line feed, repeats nothing without a bound below a few hundred, and never
offers two ways to match one character in a row: its time is linear in the text, also in hostile text.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace

from secondme.memory.exports.clock import explained
from secondme.memory.exports.errors import ExportError
from secondme.memory.exports.words import MARKS

_MARK = f"[{MARKS}]{{0,4}}"
_SPACE = "[ \u00a0\u202f\u2009]"
_DASHES = "-\u2013\u2014"
_SEPARATORS = "-./\u2010\u2013年月년월"
_HOUR_SEPARATORS = f"(?:[:.]|{_SPACE}?[hê時时点點시]{_SPACE}?)"
_MINUTE_SEPARATORS = f"(?:[:.]|{_SPACE}?(?:min|ê|分|분){_SPACE}?)"
_AUTHOR = rf"(?:([^:\n\0]{{1,256}}+):(?:{_SPACE}|(?=[\n\0])|\Z))?"
_CLOSES = ("bracket", "dash", "colon")
_DOTS = f"[.]{_SPACE}"  # without anything after the time, only a date such as "13. 6. 2018." shows a header
_RARE = 0.02  # of the headers: below this share a variation is a quotation, not the layout

LONGEST = 2048
"""Characters within which a line has shown whether it is a header."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A layout as found. `between` are the two separators of the date, as classes of characters."""

    close: str  # bracket: [date, time] · dash: date, time - · colon: date, time: · bare: date time
    time_first: bool
    between: tuple[str, str] = (f"[{_SEPARATORS}]", f"[{_SEPARATORS}]")
    spaced: bool = True  # spaces or marks inside the date
    era: bool = True  # a letter before the year
    digit: str = r"\d"
    hour: str = _HOUR_SEPARATORS
    seconds: str = "?"  # "?" sometimes, "" always, "{0}" never

    @property
    def regex(self) -> re.Pattern[str]:
        """Splits text into date and time (time and date if `time_first`), author and body."""
        body = self._time_then_date() if self.time_first else self._date_then_time()
        opening = rf"\[{_MARK}" if self.close == "bracket" else ""
        closing = {
            "bracket": rf"\]{_SPACE}?",
            "dash": f"{_SPACE}[{_DASHES}]{_SPACE}",
            "colon": f":{_SPACE}",
            "bare": _SPACE,
        }[self.close]
        return re.compile(f"\n{_MARK}{opening}{body}{closing}{_AUTHOR}")

    def _date(self) -> str:
        gap = f"{_MARK}{_SPACE}?" if self.spaced else ""
        first, second = (f"{gap}{mark}{gap}" for mark in self.between)
        number, era = f"{self.digit}{{1,4}}", "[RH]?" if self.era else ""
        return f"({era}{number}{first}{self.digit}{{1,2}}{second}{era}{number})"

    def _clock(self) -> str:
        words = self.hour == _HOUR_SEPARATORS
        minute = _MINUTE_SEPARATORS if words else self.hour
        pair = f"{self.digit}{{1,2}}" if words else f"{self.digit}{{2}}"
        return f"{self.digit}{{1,2}}{self.hour}{pair}(?:{minute}{pair}){self.seconds}"

    def _other(self, excluded: str, least: int) -> str:
        digits = r"\d" if self.digit == r"\d" else "0-9"
        return rf"[^{digits}\n\0{excluded}]{{{least},24}}"

    def _date_then_time(self) -> str:
        if self.close == "bare":
            return f"{self._date()}({self._other(r'\[\]', 1)}{self._clock()})"
        tail = {"bracket": r"\]", "dash": r"\]" + _DASHES.replace("-", r"\-"), "colon": r":\]\-"}[self.close]
        return f"{self._date()}({self._other(r'\[\]', 1)}{self._clock()}{self._other(tail, 0)})"

    def _time_then_date(self) -> str:
        tail = r":\]" + _DASHES.replace("-", r"\-")
        return f"({self._clock()}{self._other(r'\[\]', 1)}){self._date()}{self._other(tail, 0)}"


@dataclass(frozen=True, slots=True)
class Header:
    """One header as written: the date, the time with the words around it, and where it begins."""

    date: str
    time: str
    start: int


def detect(head: str) -> tuple[Shape, list[Header]]:
    """The layout that most lines at the beginning of the file follow, and its headers in order.

    Raises ExportError if there is none, or too little of it to be an export.
    """
    text = f"\n{head}"
    generic = [Shape(close, False) for close in _CLOSES]
    generic += [Shape(close, True, hour=":") for close in _CLOSES]
    generic += [Shape("bare", False, (_DOTS, _DOTS))]
    found = [(shape, _headers(shape, text)) for shape in generic]
    shape, headers = max(found, key=lambda pair: len(pair[1]))
    if not headers or (len(headers) == 1 and text[: headers[0].start].strip(f"\n\r {MARKS}")):
        raise ExportError(
            "This is not a WhatsApp export: no line begins with a date, a time and a name. "
            "In WhatsApp open the chat, choose Export chat, and give the .txt or .zip that it makes."
        )
    return _narrow(shape, headers)


def _headers(shape: Shape, text: str) -> list[Header]:
    date, time = (2, 1) if shape.time_first else (1, 2)
    found = [Header(m[date], m[time], m.start()) for m in shape.regex.finditer(text)]
    if shape.close == "colon":  # or a log with its levels, "10:00:01 ERROR: disk full", would pass for a chat
        return [header for header in found if explained(header.time)]
    return found


def _narrow(shape: Shape, headers: list[Header]) -> tuple[Shape, list[Header]]:
    """The shape with only the separators, spaces, digits and seconds that the file uses."""
    ranked = Counter(separators(h.date) for h in headers).most_common()
    between = ranked[0][0]
    kept = [h for h in headers if separators(h.date) == between]
    seconds = sum(len(re.findall(r"\d+", h.time)) > 2 for h in kept) / len(kept)
    dates, times = "".join(h.date for h in kept), "".join(h.time for h in kept)
    plain = "".join(re.findall(r"\D", dates))
    narrowed = replace(
        shape,
        between=shape.between if shape.close == "bare" else (re.escape(between[0]), re.escape(between[1])),
        spaced=any(c.isspace() or c in MARKS for c in plain),
        era="R" in plain or "H" in plain,
        digit="[0-9]" if all(c.isascii() for c in dates + times if c.isdigit()) else r"\d",
        hour="[:.]" if all(re.search(r"\d[:.]\d", h.time) for h in kept) else shape.hour,
        seconds="{0}" if seconds < _RARE else "" if seconds > 1 - _RARE else "?",
    )
    return narrowed, kept


def separators(date: str) -> tuple[str, str]:
    """The two characters that divide a date, without the spaces and marks around them."""
    marks = [c for c in date if c in _SEPARATORS]
    return marks[0], marks[1]
