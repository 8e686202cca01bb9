"""Times of day as phones write them, with the words of any language for morning and afternoon."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import time
from itertools import pairwise

from secondme.memory.exports.errors import DayPeriodUnknown
from secondme.memory.exports.words import day_periods, letters

_PARTS = re.compile(r"(\D*)(\d{1,2})\D{1,6}?(\d{1,2})(?:\D{1,6}?(\d{1,2}))?(\D*)")
_CACHED = 200_000  # a day has 86,400 seconds, and a file hardly more than one spelling of each


class Clock(dict[str, time | None]):
    """Written time → time of day, or None for what is no time; each spelling is parsed once."""

    def __init__(self, learnt: Mapping[str, str]) -> None:
        super().__init__()
        self._words = {**day_periods(), **learnt}
        self._hours: dict[tuple[str, str, str], int | None] = {}

    def __missing__(self, written: str) -> time | None:
        if len(self) >= _CACHED:
            self.clear()
        found = self[written] = self._read(written)
        return found

    def _read(self, written: str) -> time | None:
        parts = _PARTS.fullmatch(written)
        if parts is None:
            return None
        before, hour, minute, second, after = parts.groups("00")
        key = (before, hour, after)
        if key not in self._hours:
            self._hours[key] = self._hour(*key)
        clock = self._hours[key]
        try:
            return None if clock is None else time(clock, int(minute), int(second))
        except ValueError:
            return None

    def _hour(self, before: str, hour: str, after: str) -> int | None:
        kind = self._kind(before, after)
        return None if kind is None else _hour(int(hour), kind)

    def _kind(self, before: str, after: str) -> str | None:
        return _together(_kind(before, self._words), _kind(after, self._words))

    def twelve(self, written: str) -> bool:
        """Whether a day-period word stands beside this time."""
        parts = _PARTS.fullmatch(written)
        return parts is not None and self._kind(parts[1], parts[5]) not in (None, "none")


def _kind(beside: str, words: Mapping[str, str]) -> str | None:
    """What the words on one side of a time say: a day period, none, or None if they are unknown."""
    whole = letters(beside)
    if not whole:
        return "none"
    if whole in words:
        return words[whole]
    kinds = [words.get(letters(word)) for word in beside.split() if letters(word)]
    return None if None in kinds else next((kind for kind in kinds if kind != "none"), "none")


def _together(before: str | None, after: str | None) -> str | None:
    """The day period that two words name; None if a word is unknown and no other explains the time."""
    known = [kind for kind in (before, after) if kind not in (None, "none")]
    if known:
        return known[0]
    return None if before is None or after is None else "none"


def _hour(hour: int, kind: str) -> int | None:
    if kind == "none" or hour > 12:
        return hour % 24 if hour <= 24 else None
    if kind == "noon":
        return hour + 12 if hour < 6 else hour
    if kind == "night":
        return hour % 12 if hour == 12 or hour < 6 else hour + 12
    return hour % 12 + (12 if kind == "pm" else 0)


def learn(samples: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What unknown words beside the times mean, from (date, time) as written, in the order of the file.

    A word seen at 13 hours or later, or before 10 with a leading zero, says nothing about the day's half.
    Of two others, the one that comes first within a day is the morning; one alone is the half that no known
    word names. Raises DayPeriodUnknown.
    """
    samples = list(samples)
    seen = [(day, word, hour) for day, written in samples for word, hour in _unknown(written)]
    idle = {word for _, word, hour in seen if hour.startswith("0") or int(hour) > 12}
    learnt = dict.fromkeys(idle, "none")
    halves = {word for _, word, _ in seen} - idle
    if not halves:
        return learnt
    words = [(day, word) for day, written in samples for word in _halves(written, halves)]
    kinds = {day_periods()[word] for _, word in words if word not in halves}
    morning = _morning(words)
    if len(halves) == 2 and not kinds and morning:
        return learnt | {word: "am" if word == morning else "pm" for word in halves}
    if (
        len(halves) == 1
        and kinds in ({"am"}, {"pm"})
        and (morning is None or (morning in halves) != (kinds == {"am"}))
    ):
        return learnt | dict.fromkeys(halves, "pm" if kinds == {"am"} else "am")
    raise DayPeriodUnknown(
        "This export writes times with a 12-hour clock and words that SecondMe does not know. "
        "Set the phone to a 24-hour clock and export the chat again."
    )


def _halves(written: str, unknown: set[str]) -> list[str]:
    """The words beside one time that name a half of the day, or may."""
    return [word for word, _ in _unknown(written) if word in unknown] or sorted(period_words(written, {}))


def period_words(written: str, learnt: Mapping[str, str]) -> set[str]:
    """The letters of the day-period words beside one time."""
    parts = _PARTS.fullmatch(written)
    beside = f"{parts[1]} {parts[5]}".split() if parts else []
    known = {**day_periods(), **learnt}
    words = {letters(word) for word in beside} | ({letters(parts[1]), letters(parts[5])} if parts else set())
    return {word for word in words if known.get(word, "none") != "none"}


def explained(written: str) -> bool:
    """Whether all words beside a time are in our list."""
    return _PARTS.fullmatch(written) is not None and not _unknown(written)


def _unknown(written: str) -> list[tuple[str, str]]:
    """Words beside one time that are in no list, with the hour as written; none if a known word is there."""
    parts = _PARTS.fullmatch(written)
    if parts is None:
        return []
    kinds = [(side, _kind(side, day_periods())) for side in (parts[1], parts[5])]
    if _together(kinds[0][1], kinds[1][1]) is not None:
        return []
    return [(letters(side), parts[2]) for side, kind in kinds if kind is None]


def _morning(words: list[tuple[str, str]]) -> str | None:
    """The word that more often comes before the other within one day."""
    votes = Counter(a for (day, a), (next_day, b) in pairwise(words) if day == next_day and a != b)
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
