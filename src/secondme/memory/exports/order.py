"""Which number of a date is the day: read from the whole file, reported when the file does not tell."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from secondme.memory.exports.calendars import FIRST_YEAR, numbers, read, thai
from secondme.memory.exports.errors import DateOrderAmbiguous, ExportError

ORDERS = ("dmy", "mdy", "ymd")
_EARLY = 3  # witnesses that settle the order before the whole file is read
_NAMES = {"dmy": "day first", "mdy": "month first", "ymd": "year first", "ydm": "year, day, month"}
_ENGLISH = frozenset(  # day-period words of the languages that may put the month first
    ("am", "pm", "noon", "midnight", "inthemorning", "intheafternoon", "intheevening", "atnight")
)


@dataclass(frozen=True, slots=True)
class Verdict:
    order: str
    certain: bool
    decided: str


@dataclass(slots=True)
class _Reading:
    """How one order fits the dates so far."""

    hits: int = 0  # days that exist in this order
    misses: int = 0  # days that exist in another order, not in this
    descents: int = 0  # steps back in time that another order does not see
    late: int = 0  # days after the export was made
    last: date | None = None


@dataclass(slots=True)
class Evidence:
    """Counts what speaks for each order. `latest` is the day on which the export was made, or today."""

    candidates: tuple[str, ...]
    latest: date
    thai: bool
    _readings: dict[str, _Reading] = field(init=False)
    _before: str = ""
    _example: str = ""

    def __post_init__(self) -> None:
        self._readings = {order: _Reading() for order in self.candidates}

    def feed(self, dates: Iterable[tuple[str, bool]]) -> None:
        """Takes dates as written, in the order of the file, each with whether a person wrote there.

        Lines of WhatsApp itself are left out of the order of time: they are not written in it.
        """
        for written, spoken in dates:
            if written != self._before:
                self._before = written
                self._weigh(written, spoken)

    def _weigh(self, written: str, spoken: bool) -> None:
        fitting = self._fitting(written)
        if not fitting:
            return
        if not self._example and len(set(fitting.values())) > 1:
            self._example = written
        in_time = any(day <= self.latest for day in fitting.values())
        for order, reading in self._readings.items():
            day = fitting.get(order)
            reading.hits += day is not None
            reading.misses += day is None
            reading.late += day is not None and in_time and day > self.latest
        if spoken:
            self._step(fitting)

    def _step(self, days: dict[str, date]) -> None:
        """Counts a step back in time, unless every order sees one: late messages are ordinary."""
        back = [o for o, day in days.items() if (last := self._readings[o].last) is not None and day < last]
        for order, day in days.items():
            self._readings[order].descents += order in back and len(back) < len(days)
            self._readings[order].last = day

    def _fitting(self, written: str) -> dict[str, date]:
        """The days that this date can be; those of impossible years only if there are no others."""
        days = {o: day for o in self.candidates if (day := read(written, o, thai=self.thai)) is not None}
        likely = {order: day for order, day in days.items() if FIRST_YEAR <= day.year <= self.latest.year + 1}
        return likely or days

    def fits(self, order: str) -> bool:
        """Whether the dates can be read in this order, but for a tenth of them."""
        reading = self._readings.get(order)
        return reading is not None and reading.hits > 0 and reading.misses * 10 <= reading.hits

    def early(self) -> Verdict | None:
        """The order if several witnesses prove it; None while more of the file may tell."""
        return self._proof(_EARLY)[0]

    def final(self, hints: "Hints") -> Verdict:
        """The order after the whole file. Raises DateOrderAmbiguous."""
        if not any(reading.hits for reading in self._readings.values()):
            raise ExportError(
                "The dates of this file are no days of any calendar that SecondMe reads. "
                "Set the phone to the Gregorian calendar and export the chat again."
            )
        verdict, left = self._proof(1)
        return verdict or self._by_convention(left, hints)

    def _proof(self, least: int) -> tuple[Verdict | None, list[str]]:
        """What at least so many witnesses prove, or the orders that are left."""
        left = self._left("misses", self.candidates, least)
        if left == ["ymd"] or (least == 1 and left == ["ymd", "ydm"]):  # no language writes ydm
            return Verdict("ymd", True, "the year comes first"), left
        if len(left) == 1:
            return Verdict(left[0], True, self._by_number(left[0])), left
        left = self._left("descents", left, least)
        if len(left) == 1:
            forward = f"the dates run forward in time only when read {_NAMES[left[0]]}"
            return Verdict(left[0], True, forward), left
        return None, left

    def _left(self, what: str, among: Iterable[str], least: int) -> list[str]:
        """The orders that no `what` refutes: some, where another has none or a small part of them."""
        counts = {order: getattr(self._readings[order], what) for order in among}
        floor = min(counts.values())
        return [o for o, n in counts.items() if n == floor or n < max(least, 10 * floor)]

    def _by_number(self, order: str) -> str:
        if order in ("dmy", "mdy"):
            return f"numbers above 12 stand where the day does when read {_NAMES[order]}"
        return f"the numbers fit only when read {_NAMES[order]}"

    def _by_convention(self, left: list[str], hints: "Hints") -> Verdict:
        if "ymd" in left and "dmy" in left and hints.korean():
            return Verdict("ymd", False, "Korean puts the year first")
        reason = hints.against_month_first()
        if reason and "mdy" in left and len(left) > 1:
            left = [order for order in left if order != "mdy"]
        else:
            reason = ""
        if len(left) > 1:
            left, reason = self._left("late", left, 1), "any other reading lies after the export was made"
        if len(left) > 1:
            raise self._ambiguous(left)
        return Verdict(left[0], False, reason)

    def _ambiguous(self, left: list[str]) -> DateOrderAmbiguous:
        days = {order: read(self._example, order, thai=self.thai) for order in left}
        readings = " or ".join(f"{day.day} {day:%B %Y} ({order})" for order, day in days.items() if day)
        flags = " or ".join(f"--date-order {order}" for order in left)
        return DateOrderAmbiguous(
            f"The dates of this export can be read in two orders: {self._example} is {readings}, and nothing "
            f"in the file tells which. Say it with {flags}."
        )


@dataclass(frozen=True, slots=True)
class Hints:
    """What else tells of the phone's language: separators of the date, its digits, words beside the time."""

    separator: str
    ascii_digits: bool
    words: frozenset[str]

    def korean(self) -> bool:
        return not self.words.isdisjoint(("오전", "오후"))

    def against_month_first(self) -> str:
        """Why the month cannot come first, by the conventions of all languages; empty if it can."""
        if self.separator in ".-":
            return f"no language that divides dates with {self.separator!r} puts the month first"
        if not self.ascii_digits:
            return "no language that writes these digits puts the month first"
        if self.words - _ENGLISH:
            return "no language with these words beside the time puts the month first"
        return ""


def candidates(
    dates: Iterable[str], latest: date, *, spaced_dots: bool, wanted: str | None
) -> tuple[str, ...]:
    """The orders that the digits allow: four digits, three, or an era letter show where the year is.

    Two-digit years come first in Korean (21. 3. 4.); elsewhere that is considered only when the dates do not
    fit otherwise, or when the caller wants it.
    """
    parts = [found for written in dates if (found := numbers(written))]
    wide = [sum(bool(p[at][0]) or p[at][2] > 2 for p in parts) for at in (0, 2)]
    if wide[0] > wide[1]:
        return ("ymd", "ydm")
    if wide[1]:
        return ("dmy", "mdy")
    plain = ("dmy", "mdy")
    last = (
        wanted != "ymd"
        and not spaced_dots
        and all(_two_digit_year_last(p, latest.year % 100 + 1) for p in parts)
    )
    return plain if last else (*plain, "ymd")


def _two_digit_year_last(parts: list[tuple[str, int, int]], last_year: int) -> bool:
    first, second, year = (value for _, value, _ in parts)
    likely = FIRST_YEAR % 100 <= year <= last_year or thai([year])
    return likely and min(first, second) <= 12 and max(first, second) <= 31
