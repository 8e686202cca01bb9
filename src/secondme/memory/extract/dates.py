"""Calendar days in a message: patterns of its languages pick them, the day it was written settles them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from secondme.domain.fact import EntityType
from secondme.memory.extract.feasts import feast_day
from secondme.memory.extract.lexicon import Language, alternatives, language
from secondme.memory.extract.page import Page

_EDGE = r"(?:(?<![\w\u0900-\u0963])(?=[\w\u0900-\u0963])|(?<=[\w\u0900-\u0963])(?![\w\u0900-\u0963]))"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?!\d)"
_KINDS = (
    "habit", "range", "full", "numeric", "weekday_week", "ahead", "ago", "week_next", "week_last", "week_this", "weekend_next", "weekend_last", "weekend",
    "month_next", "month_last", "month_this", "days", "weekday_last", "weekday_next", "weekday", "day_alone", "month_alone",
)  # fmt: skip
_NEEDS = {"range": "month", "full": "month", "month_alone": "month", "weekday": "weekday", "weekday_last": "weekday", "weekday_next": "weekday",
          "weekday_week": "weekday", "ahead": "unit", "ago": "unit", "days": "days", "week_next": "unit", "week_last": "unit", "week_this": "unit",
          "month_next": "unit", "month_last": "unit", "month_this": "unit"}  # fmt: skip
_NUMERIC = (
    re.compile(
        r"(?<![\d.,/-])(?P<year>20\d\d)-(?P<monthnum>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12]\d|3[01])(?![\d-])"
    ),
    re.compile(
        r"(?<![\d.,/-])(?P<day>0?[1-9]|[12]\d|3[01])(?P<sep>[./-])(?P<monthnum>0?[1-9]|1[0-2])(?P=sep)(?P<year>20\d\d|\d\d)(?![\d/-]|[.,]\d)"
    ),
    re.compile(
        r"(?<![\d.,/:-])(?!24/7|1/[2348]\b|2/3\b|3/4\b)(?P<day>0?[1-9]|[12]\d|3[01])/(?P<monthnum>0?[1-9]|1[0-2])(?![\d/%€$]|[.,]\d)"
    ),
)
_SENTENCE = re.compile(r"[.!?…\n;]+(?=\s|$)|\n")
_SINCE = re.compile(r"^(?:since|seit|desde)\b|(?:\bse|से)$")
_LAST = re.compile(r"(?:last|pasad[ao]s?|passad[ao]|letzte[nrsm]?|vorige[nrsm]?|pichl[ie]|पिछली|पिछले)\s*$")


@dataclass(frozen=True, slots=True)
class Found:
    """A day, and where it stands in the message."""

    on: date
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of one language by kind, and which words each class of them needs."""

    kinds: dict[str, tuple[re.Pattern[str], ...]]
    values: dict[str, dict[str, str]]
    needs: dict[str, frozenset[str]]


@cache
def _patterns(name: str) -> _Patterns:
    lang = language(name)
    values = {key: _table(lang.dates[key]) for key in ("months", "weekdays", "days", "numbers", "units")}
    months = alternatives(values["months"])
    holes = {
        "{n}": rf"(?P<n>\d{{1,2}}(?!\d)|{alternatives(values['numbers'])})",
        "{unit}": rf"(?P<unit>{alternatives(values['units'])})",
        "{weekday}": rf"(?:{alternatives(values['weekdays'])})",
        "{month}": rf"(?P<month>{months})\.?(?![\w\u0900-\u0963])",
        "{month2}": rf"(?P<month2>{months})\.?",
        "{monthword}": months,
        "{monthnum}": r"(?P<monthnum>0?[1-9]|1[0-2])",
        "{day}": _DAY,
        "{day2}": _DAY.replace("?P<day>", "?:"),
        "{year}": r"(?P<year>20\d\d)(?!\d)",
        "{b}": _EDGE,
    }
    kinds = {kind: tuple(_compiled(lang.dates.get(kind, ""), holes)) for kind in _KINDS}
    kinds["days"] = (re.compile(rf"{_EDGE}(?P<days>{alternatives(values['days'])}){_EDGE}"),)
    kinds["numeric"] = _NUMERIC
    needs = {
        "month": _first_words(values["months"]), "weekday": _first_words(values["weekdays"]), "days": _first_words(values["days"]),
        "unit": _first_words(values["units"]),
    }  # fmt: skip
    return _Patterns(kinds, values, needs)


def _table(text: str) -> dict[str, str]:
    return {
        word.replace("_", " "): value for word, _, value in (entry.rpartition("=") for entry in text.split())
    }


def _first_words(table: dict[str, str]) -> frozenset[str]:
    return frozenset(word.split(" ")[0] for word in table) | frozenset(table)


def _compiled(lines: str, holes: dict[str, str]) -> Iterator[re.Pattern[str]]:
    for line in filter(None, map(str.strip, lines.splitlines())):
        first = True
        for hole, pattern in holes.items():
            line = line.replace(hole, pattern)
        if "(?:" in line and line.count("(?P<month>") > 1:
            head, _, tail = line.partition("(?P<month>")
            line = f"{head}(?P<month>{tail.replace('(?P<month>', '(?:')}"
        # A weekday is captured once; where a pattern names two, the first is meant.
        yield re.compile(_capturing_weekday(line, holes["{weekday}"]) if first else line)


def _capturing_weekday(line: str, weekday: str) -> str:
    return line.replace(weekday, f"(?P<weekday>{weekday[3:]}(?![\\w\\u0900-\\u0963])", 1)


def find_dates(page: Page, at: date) -> list[Found]:
    """Every day that the message names, in the order of its kinds, each once."""
    found: dict[date, Found] = {}
    for lang in page.languages:
        text = page.lower
        for kind, match in _matches(page, lang, text):
            if kind == "habit":
                continue
            day = _Settling(lang, at, page.lower, match).day(kind)
            if day is not None:
                found.setdefault(day, Found(day, match.start(), match.end()))
    for span in page.spans:
        if span.type is EntityType.EVENT and span.feast:
            day = _feast(page, span.feast, span.start, at)
            if day is not None:
                found.setdefault(day, Found(day, span.start, span.end))
    return list(found.values())


def _matches(page: Page, lang: Language, text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """What the patterns pick; nothing is picked twice."""
    patterns, words = _patterns(lang.name), set(page.lows)
    for span in page.spans:
        if span.type is not EntityType.TOPIC:
            text = f"{text[: span.start]}{chr(0) * (span.end - span.start)}{text[span.end :]}"
    digits = any(char.isdigit() for char in text)
    for kind in _KINDS:
        needed = _NEEDS.get(kind)
        if needed and patterns.needs[needed].isdisjoint(words) and not (kind == "full" and digits):
            continue
        if kind in ("numeric", "day_alone") and not digits:
            continue
        for pattern in patterns.kinds[kind]:
            for match in list(pattern.finditer(text)):
                if chr(0) in text[match.start() : match.end()]:
                    continue
                yield kind, match
                text = f"{text[: match.start()]}{chr(0) * (match.end() - match.start())}{text[match.end() :]}"


def _sentence(text: str, at: int) -> str:
    """The sentence around a place."""
    start = max((cut.end() for cut in _SENTENCE.finditer(text, 0, at)), default=0)
    cut = _SENTENCE.search(text, at)
    return text[start : cut.start() if cut else len(text)]


def is_past(lang: Language, text: str, at: int) -> bool:
    """Whether the sentence around a place tells of something past."""
    sentence = _sentence(text, at)
    return bool(lang.past.search(sentence)) and not lang.future.search(sentence)


class _Settling:
    """One match, and the day that it means."""

    def __init__(self, lang: Language, at: date, text: str, match: re.Match[str]) -> None:
        self._values = _patterns(lang.name).values
        self._at, self._match = at, match
        self._past = is_past(lang, text, match.start()) or bool(_SINCE.search(match.group().strip()))

    def day(self, kind: str) -> date | None:
        """The day, or None where there is none such."""
        try:
            return getattr(self, f"_{kind}")()  # type: ignore[no-any-return]
        except (ValueError, OverflowError):
            return None

    def _group(self, name: str) -> str | None:
        return self._match.groupdict().get(name)

    def _monday(self) -> date:
        return self._at - timedelta(self._at.weekday())

    def _first(self, months: int) -> date:
        return _months_on(self._at.replace(day=1), months)

    def _full(self) -> date:
        month = self._group("month") or ""
        number = (
            int(self._values["months"][month.rstrip(".")]) if month else int(self._group("monthnum") or 0)
        )
        if self._group("month2"):
            number = int(self._values["months"][(self._group("month2") or "").rstrip(".")])
        day, year = int(self._group("day") or 1), self._group("year")
        if year:
            return date(int(year) + (2000 if len(year) == 2 else 0), number, day)
        return self._nearest(number, day)

    _range = _numeric = _full

    def _nearest(self, month: int, day: int) -> date:
        years = (self._at.year - 1, self._at.year, self._at.year + 1)
        days = [date(year, month, day) for year in years if not (month == 2 and day == 29 and year % 4)]
        if self._past:
            return max(found for found in days if found <= self._at)
        return min(found for found in days if found >= self._at)

    def _day_alone(self) -> date | None:
        day = int(self._group("day") or 0)
        months = (self._first(step) for step in (range(0, -13, -1) if self._past else range(13)))
        for first in months:
            try:
                found = first.replace(day=day)
            except ValueError:
                continue
            if found <= self._at if self._past else found >= self._at:
                return found
        return None

    def _month_alone(self) -> date:
        number, year = (
            int(self._values["months"][(self._group("month") or "").rstrip(".")]),
            self._group("year"),
        )
        if year:
            return date(int(year), number, 1)
        steps = range(0, -12, -1) if self._past else range(12)
        return next(first for first in map(self._first, steps) if first.month == number)

    def _days(self) -> date:
        value = self._values["days"][self._group("days") or ""]
        steps = int(value.removeprefix("x"))
        return self._at + timedelta(-steps if value.startswith("x") and self._past else steps)

    def _shift(self, sign: int) -> date:
        said = self._group("n") or "1"
        count = sign * int(said if said.isdigit() else self._values["numbers"][said])
        unit = self._values["units"][self._group("unit") or ""]
        if unit in "my":
            return _months_on(self._at, count * (12 if unit == "y" else 1))
        return self._at + timedelta(count * {"d": 1, "w": 7, "f": 14}[unit])

    def _ahead(self) -> date | None:
        return self._shift(1) if self._values["units"][self._group("unit") or ""] != "y" else None

    def _ago(self) -> date | None:
        return self._shift(-1) if self._values["units"][self._group("unit") or ""] != "y" else None

    def _number(self) -> int:
        return int(self._values["weekdays"][self._group("weekday") or ""])

    def _weekday(self) -> date:
        return self._weekday_last() if self._past else self._weekday_next()

    def _weekday_next(self) -> date:
        return self._at + timedelta((self._number() - self._at.weekday() - 1) % 7 + 1)

    def _weekday_last(self) -> date:
        return self._at - timedelta((self._at.weekday() - self._number() - 1) % 7 + 1)

    def _weekday_week(self) -> date:
        return self._monday() + timedelta(7 + self._number())

    def _week_next(self) -> date:
        return self._monday() + timedelta(7)

    def _week_last(self) -> date:
        return self._monday() - timedelta(7)

    def _week_this(self) -> date:
        return self._monday()

    def _weekend(self) -> date:
        this = self._monday() + timedelta(5)
        return this - timedelta(7) if self._past and this > self._at else this

    def _weekend_next(self) -> date:
        return self._monday() + timedelta(12)

    def _weekend_last(self) -> date:
        return self._monday() - timedelta(2)

    def _month_next(self) -> date:
        return self._first(1)

    def _month_last(self) -> date:
        return self._first(-1)

    def _month_this(self) -> date:
        return self._first(0)


def _months_on(day: date, months: int) -> date:
    """The same day of a later or earlier month; its last where it is shorter."""
    month = day.year * 12 + day.month - 1 + months
    first = date(month // 12, month % 12 + 1, 1)
    last = (date(first.year + first.month // 12, first.month % 12 + 1, 1) - timedelta(1)).day
    return first.replace(day=min(day.day, last))


def _feast(page: Page, spec: str, start: int, at: date) -> date | None:
    """The feast before or after the day of writing, by tense; a wish may be some days late."""
    days = [
        day for day in (feast_day(spec.rstrip("?"), year) for year in range(at.year - 1, at.year + 2)) if day
    ]
    if not days:
        return None
    past = any(is_past(lang, page.lower, start) for lang in page.languages) or bool(
        _LAST.search(page.lower[:start])
    )
    if past:
        return max((day for day in days if day <= at), default=None)
    late = timedelta(3)
    return min((day for day in days if day >= at - late), default=None)
