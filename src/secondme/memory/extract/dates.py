"""Calendar days in a message: patterns pick where they stand, the day it was written settles which they are."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from secondme.domain.fact import EntityType
from secondme.memory.extract.date_patterns import matches, patterns
from secondme.memory.extract.feasts import feast_day
from secondme.memory.extract.lexicon import Language
from secondme.memory.extract.page import Page

_SENTENCE = re.compile(r"[.!?…\n;]+(?=\s|$)|\n")
_CLAUSE = re.compile(
    r"[,;:–—(]|[.!?…\n]+(?=\s|$)|\n| (?:and|but|y|pero|e|mas|und|aber|aur|और|lekin|लेकिन|magar|que|dass) "
)
_SINCE = re.compile(r"(?:\b(?:since|seit|desde|seit dem|desde el)\s(?:\S+ ?){1,2}|\S+(?: se|से))$")
_LONG_AGO = timedelta(270)  # a day without its year that would be longer past is the one to come
_THAT = (" que ", " dass ")
_LAST = re.compile(r"(?:last|pasad[ao]s?|passad[ao]|letzte[nrsm]?|vorige[nrsm]?|pichl[ie]|पिछली|पिछले)\s*$")


@dataclass(frozen=True, slots=True)
class Found:
    """A day, and where it stands in the message."""

    on: date
    start: int
    end: int


def find_dates(page: Page, at: date) -> list[Found]:
    """Every day that the message names, in the order of its kinds, each once."""
    found: dict[date, Found] = {}
    for kind, lang, match in matches(page):
        day = None if kind == "habit" else _Settling(lang, at, page, match).day(kind)
        if day is not None:
            found.setdefault(day, Found(day, match.start(), match.end()))
    for span in page.spans:
        if span.type is EntityType.EVENT and span.feast:
            day = _feast(page, span.feast, span.start, at)
            if day is not None:
                found.setdefault(day, Found(day, span.start, span.end))
    return list(found.values())


def is_past(page: Page, start: int, end: int) -> bool:
    """Whether the words around a place tell of something past: its clause, else its sentence."""
    for edges in (_CLAUSE, _SENTENCE):
        first = max((cut.end() for cut in edges.finditer(page.lower, 0, start)), default=0)
        cut = edges.search(page.lower, end)
        said = page.lower[first : cut.start() if cut else len(page.lower)]
        past = any(lang.past.search(said) for lang in page.languages)
        ahead = any(lang.future.search(said) for lang in page.languages)
        if past or ahead:
            return past and not ahead
        if page.lower.endswith(_THAT, 0, first):
            return False  # what `dijo que` reports has a tense of its own
    return False


class _Settling:
    """One match, and the day that it means."""

    def __init__(self, lang: Language, at: date, page: Page, match: re.Match[str]) -> None:
        self._values = patterns(lang.name).values
        self._at, self._match = at, match
        self._past = bool(_SINCE.search(page.lower, 0, match.end())) or is_past(page, *match.span())

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
            last = max(found for found in days if found <= self._at)
            if self._at - last < _LONG_AGO:
                return last
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
    if _LAST.search(page.lower, 0, start) or is_past(page, start, start):
        last = max((day for day in days if day <= at), default=None)
        if last is not None and at - last < _LONG_AGO:
            return last
    late = timedelta(3)
    return min((day for day in days if day >= at - late), default=None)
