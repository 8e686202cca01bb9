"""Dates as phones write them, in the calendars that phones offer."""

import re
from collections.abc import Iterable
from datetime import date, timedelta

FIRST_YEAR = 2009  # WhatsApp began in February 2009
_AHEAD = timedelta(days=2)  # a phone's day may have begun before ours, and its clock be wrong
_NUMBER = re.compile(r"([RH]?)(\d{1,4})")
_BUDDHIST = 543  # years ahead of the common era
_MINGUO = 1911  # years behind it
_ERAS = {"R": 2018, "H": 1988}  # Reiwa and Heisei; the year before their first
_NOWRUZ_1400 = date(2021, 3, 21)
_JALALI_LEAP = frozenset((1, 5, 9, 13, 17, 22, 26, 30))  # of every 33 years; holds for 1244 to 1472
_CACHED = 100_000


def numbers(written: str) -> list[tuple[str, int, int]] | None:
    """The three parts of a date: era letter, value, digits written; None if there are not three."""
    found = [(m[1], int(m[2]), len(m[2])) for m in _NUMBER.finditer(written)]
    return found if len(found) == 3 else None


def read(written: str, order: str, *, thai: bool) -> date | None:
    """The day meant, in an order such as dmy; None if it does not exist in that order.

    `thai` says that two-digit years count from 2500 of the Buddhist era, as 67 for 2024.
    """
    parts = numbers(written)
    if parts is None or len(order) != 3:
        return None
    by = dict(zip(order, parts, strict=True))
    day, month = by["d"], by["m"]
    if day[0] or month[0] or day[2] > 2 or month[2] > 2:
        return None
    era, year, width = by["y"]
    if 1388 <= year < 1430:
        return _jalali(year, month[1], day[1])
    common = _common(era, year, width, thai=thai)
    try:
        return None if common is None else date(common, month[1], day[1])
    except ValueError:
        return None


def _common(era: str, year: int, width: int, *, thai: bool) -> int | None:
    """The year of the common era; None for the Islamic calendar, whose months differ."""
    if era:
        return _ERAS[era] + year
    if width <= 2:
        return 2500 + year - _BUDDHIST if thai else year + (2000 if year < 70 else 1900)
    if width == 3:
        return year + _MINGUO
    if islamic(year):
        return None
    return year - _BUDDHIST if year >= 2400 else year


def islamic(year: int) -> bool:
    return 1430 <= year < 1500


def thai(years: Iterable[int]) -> bool:
    """Whether two-digit years are Buddhist: 52 to 83 are 2009 to 2040 there, and WhatsApp began in 2009."""
    counted = [52 <= year <= 83 for year in years]
    return sum(counted) * 2 > len(counted)


def _jalali(year: int, month: int, day: int) -> date | None:
    """A day of the Iranian calendar: six months of 31 days, five of 30, one of 29 or 30."""
    length = 31 if month <= 6 else 30 if month < 12 or year % 33 in _JALALI_LEAP else 29
    if not (1 <= month <= 12 and 1 <= day <= length):
        return None
    whole = sum(366 if y % 33 in _JALALI_LEAP else 365 for y in range(min(year, 1400), max(year, 1400)))
    start = _NOWRUZ_1400 + timedelta(days=whole if year >= 1400 else -whole)
    return start + timedelta(days=min(month - 1, 6) * 31 + max(month - 7, 0) * 30 + day - 1)


class Days(dict[str, date | None]):
    """Written date → day, or None; each spelling is parsed once.

    None also where no message can be of that day: before WhatsApp's first year, or more than two days ahead of now.
    Whoever writes to the owner may have written the line, with any date.
    """

    def __init__(self, order: str, *, thai: bool) -> None:
        super().__init__()
        self._order, self._thai = order, thai
        self._first, self._last = date(FIRST_YEAR, 1, 1), date.today() + _AHEAD

    def __missing__(self, written: str) -> date | None:
        if len(self) >= _CACHED:
            self.clear()
        day = read(written, self._order, thai=self._thai)
        found = self[written] = day if day and self._first <= day <= self._last else None
        return found
