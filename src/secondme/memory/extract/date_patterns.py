"""Where a message names a day: the patterns of its languages, each kind in its turn."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

from secondme.domain.fact import EntityType
from secondme.memory.extract.lexicon import Language, alternatives, language
from secondme.memory.extract.page import Page

_EDGE = r"(?:(?<![\w\u0900-\u0963])(?=[\w\u0900-\u0963])|(?<=[\w\u0900-\u0963])(?![\w\u0900-\u0963]))"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?!\d)"
_NEEDS = {  # every kind in its turn, and the class of words without which it is not there
    "habit": None,
    "range": "month",
    "full": "month",
    "numeric": None,
    "weekday_week": "weekday",
    "ahead": "unit",
    "ago": "unit",
    "week_next": "unit",
    "week_last": "unit",
    "week_this": "unit",
    "weekend_next": None,
    "weekend_last": None,
    "weekend": None,
    "month_next": "unit",
    "month_last": "unit",
    "month_this": "unit",
    "days": "days",
    "weekday_last": "weekday",
    "weekday_next": "weekday",
    "weekday": "weekday",
    "day_alone": None,
    "month_alone": "month",
}
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

_BLACK, _NAME = "\0", "\1"  # what is taken by a day, and by a name
_TAKEN = re.compile(r"[\0\1]")
_DIGIT = re.compile(r"\d")
_SURELY = re.compile(r"(?<!\?:) \{(weekday|month|unit)\}")  # a hole that is in every match of its line
_BESIDE = ("weekday", "weekday_next", "days")
_GOES_ON = re.compile(r"(?:,? (?:den |dem |the |el |dia |día |o |der )?|, ?|\()\0")
_CAME_BEFORE = re.compile(r"\0(?:,? ?\(?|, (?:a |an |un |am ))$")


@dataclass(frozen=True, slots=True)
class Patterns:
    """The patterns of one language by kind, each with the classes of words without which it is not there, and the
    words of each class."""

    kinds: dict[str, tuple[tuple[re.Pattern[str], frozenset[str]], ...]]
    values: dict[str, dict[str, str]]
    needs: dict[str, frozenset[str]]


@cache
def patterns(name: str) -> Patterns:
    lang = language(name)
    values = {key: _table(lang.dates[key]) for key in ("months", "weekdays", "days", "numbers", "units")}
    months = alternatives(values["months"])
    holes = {
        "{n}": rf"(?P<n>\d{{1,2}}(?!\d)|{alternatives(values['numbers'])})",
        "{unit}": rf"(?P<unit>{alternatives(values['units'])})",
        "{weekday}": rf"(?P<weekday>{alternatives(values['weekdays'])})(?![\w\u0900-\u0963])",
        "{month}": rf"(?P<month>{months})\.?(?![\w\u0900-\u0963])",
        "{month2}": rf"(?P<month2>{months})\.?",
        "{monthword}": months,
        "{monthnum}": r"(?P<monthnum>0?[1-9]|1[0-2])",
        "{day}": _DAY,
        "{day2}": _DAY.replace("?P<day>", "?:"),
        "{year}": r"(?P<year>20\d\d)(?!\d)",
        "{b}": _EDGE,
    }
    kinds = {kind: tuple(_compiled(lang.dates.get(kind, ""), holes)) for kind in _NEEDS}
    kinds["days"] = ((re.compile(rf"{_EDGE}(?P<days>{alternatives(values['days'])}){_EDGE}"), frozenset()),)
    kinds["numeric"] = tuple((pattern, frozenset()) for pattern in _NUMERIC)
    classes = {"month": "months", "weekday": "weekdays", "days": "days", "unit": "units"}
    needs = {name: _first_words(values[key]) for name, key in classes.items()}
    return Patterns(kinds, values, needs)


def _table(text: str) -> dict[str, str]:
    return {
        word.replace("_", " "): value for word, _, value in (entry.rpartition("=") for entry in text.split())
    }


def _first_words(table: dict[str, str]) -> frozenset[str]:
    return frozenset(word.split(" ")[0] for word in table) | frozenset(table)


def _compiled(lines: str, holes: dict[str, str]) -> Iterator[tuple[re.Pattern[str], frozenset[str]]]:
    for line in filter(None, map(str.strip, lines.splitlines())):
        needed = frozenset(_SURELY.findall(line))
        for hole, pattern in holes.items():
            name = f"?P<{hole.strip('{}')}>"
            line = line.replace(hole, pattern, 1).replace(
                hole, pattern.replace(name, "?:")
            )  # the first is meant
        yield re.compile(line), needed


def matches(page: Page) -> Iterator[tuple[str, Language, re.Match[str]]]:
    """Kind by kind what the patterns pick, outside the names already found; nothing is picked twice."""
    words, text = set(page.lows), page.lower
    for span in page.spans:
        if span.type is not EntityType.TOPIC:
            text = _blacked(text, span.start, span.end, _NAME)
    present = tuple(
        (
            lang.name,
            tuple(kind for kind, theirs in patterns(lang.name).needs.items() if not theirs.isdisjoint(words)),
        )
        for lang in page.languages
    )
    for kind, lang, pattern in _possible(present, _DIGIT.search(text) is not None):
        for match in pattern.finditer(text):
            if not _TAKEN.search(match.group()) and not (kind in _BESIDE and _beside(text, match)):
                yield kind, lang, match
                text = _blacked(text, match.start(), match.end())


@lru_cache(maxsize=1024)
def _possible(
    present: tuple[tuple[str, tuple[str, ...]], ...], digits: bool
) -> list[tuple[str, Language, re.Pattern[str]]]:
    """The patterns to try, kind by kind, without those of a kind whose words are not there. `present`: the languages
    and which classes of words of theirs are."""

    def may_be(kind: str, classes: tuple[str, ...]) -> bool:
        if kind in ("numeric", "day_alone"):
            return digits
        needed = _NEEDS[kind]
        return needed is None or needed in classes or (kind == "full" and digits)

    return [
        (kind, language(name), pattern)
        for kind, (name, classes) in product(_NEEDS, present)
        if may_be(kind, classes)
        for pattern, needed in patterns(name).kinds[kind]
        if needed.issubset(classes)
    ]


def _blacked(text: str, start: int, end: int, black: str = _BLACK) -> str:
    return f"{text[:start]}{black * (end - start)}{text[end:]}"


def _beside(text: str, match: re.Match[str]) -> bool:
    """Whether the same day is named again right beside it: `Friday, 9 October`, `today in three weeks`."""
    return bool(_GOES_ON.match(text, match.end()) or _CAME_BEFORE.search(text, 0, match.start()))
