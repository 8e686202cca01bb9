"""The word lists, as the rules use them: a language from its file, and the lists that all languages share."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

LANGUAGES = ("en", "es", "pt", "de", "hi")
_FOLDER = resources.files("secondme.memory.extract") / "words"


@dataclass(frozen=True, slots=True)
class Language:
    """One language: sets of words and phrases by the key they stand under in its file."""

    name: str
    sets: Mapping[str, frozenset[str]]
    ordered: Mapping[str, tuple[str, ...]]
    ending: Mapping[str, Mapping[str, tuple[str, ...]]]  # phrases by their last word
    beginning: Mapping[str, Mapping[str, tuple[str, ...]]]  # and by their first
    past: re.Pattern[str]
    future: re.Pattern[str]
    work: re.Pattern[str]
    buying: re.Pattern[str]
    does: re.Pattern[str]
    calendar: frozenset[str]
    days: frozenset[str]  # that count from today, such as `tomorrow`
    dates: Mapping[str, Any]
    relations: Mapping[str, tuple[str, ...]]
    categories: Mapping[str, frozenset[str]]

    def has(self, key: str, word: str) -> bool:
        """Whether `word`, lower case, stands under `key`."""
        return word in self.sets[key]


class Phrases:
    """Names of one or several words. `longest` finds the longest that begins at a word."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self._values = dict(entries)
        self._tails: dict[str, dict[tuple[str, ...], str]] = {}
        for name, value in self._values.items():
            first, *rest = split(name)
            self._tails.setdefault(first, {})[tuple(rest)] = value
        self._longest = {
            first: sorted({len(t) for t in tails}, reverse=True) for first, tails in self._tails.items()
        }

    def first_words(self) -> Iterable[str]:
        """The words with which a name can begin."""
        return self._tails.keys()

    def names(self) -> Iterable[str]:
        """All of them."""
        return self._values.keys()

    def sure(self) -> Iterable[str]:
        """Those that are nothing else."""
        return (name for name, value in self._values.items() if value != "?")

    def longest(self, words: list[str], at: int) -> tuple[int, str] | None:
        """How many words the longest name has that begins at `at`, and what it stands for."""
        lengths = self._longest.get(words[at])
        if lengths is None:
            return None
        tails = self._tails[words[at]]
        for length in lengths:
            found = tails.get(tuple(words[at + 1 : at + 1 + length]))
            if found is not None and at + length < len(words):
                return length + 1, found
        return None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The word lists of the languages of one message, taken together."""

    sets: Mapping[str, frozenset[str]]
    ending: Mapping[str, Mapping[str, tuple[str, ...]]]
    beginning: Mapping[str, Mapping[str, tuple[str, ...]]]
    calendar: frozenset[str]


@cache
def vocabulary(names: tuple[str, ...]) -> Vocabulary:
    """Of the languages with these names."""
    langs = [language(name) for name in names]
    keys = langs[0].sets.keys()
    return Vocabulary(
        {key: frozenset().union(*(lang.sets[key] for lang in langs)) for key in keys},
        {key: _merged(lang.ending[key] for lang in langs) for key in keys},
        {key: _merged(lang.beginning[key] for lang in langs) for key in keys},
        frozenset().union(*(lang.calendar for lang in langs)),
    )


def _merged(tables: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for word, phrases in table.items():
            found[word] = (*found.get(word, ()), *phrases)
    return found


WORD = re.compile(
    r"[A-Za-z\u00c0-\u024f\u0900-\u0963\u0971-\u097f\u1e00-\u1eff](?:[A-Za-z\u00c0-\u024f\u0900-\u0963\u0971-\u097f\u1e00-\u1eff\u200d]|"
    r"['’&.-](?=[A-Za-z\u00c0-\u024f\u0900-\u097f]))*|[a-z]\.(?=\s)|\d+"
)


def words_of(text: str) -> frozenset[str]:
    """Words that stand between blanks, as a set."""
    return frozenset(text.split())


def split(text: str) -> list[str]:
    """The words of a lower-case text, as `Phrases` compares them."""
    return WORD.findall(text)


@cache
def language(name: str) -> Language:
    """One of LANGUAGES, read from its file once."""
    raw = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text("utf-8"))
    lists = {key: _words(value) for key, value in raw.items() if isinstance(value, str)}
    for key in ("place_after", "work_after", "deals_after", "topic_after"):
        lists.setdefault(key, ())
    return Language(
        name,
        {key: frozenset(words) for key, words in lists.items()},
        {key: tuple(sorted(words, key=len, reverse=True)) for key, words in lists.items()},
        {key: _by(-1, words) for key, words in lists.items()},
        {key: _by(0, words) for key, words in lists.items()},
        re.compile(_regex(raw["past"])),
        re.compile(_regex(raw["future"])),
        re.compile(_regex(raw["work_near"])),
        re.compile(_regex(raw["buying"])),
        re.compile(_regex(raw["person_does"])),
        frozenset(re.findall(r"(\S+)=\d", f"{raw['dates']['months']} {raw['dates']['weekdays']}")),
        frozenset(re.findall(r"(\S+)=\S", raw["dates"]["days"])),
        raw["dates"],
        {
            kind: tuple(filter(None, map(str.strip, lines.splitlines())))
            for kind, lines in raw["relations"].items()
        },
        {name: frozenset(_words(words)) for name, words in raw["categories"].items()},
    )


def _by(place: int, phrases: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The phrases of several words, by the first or the last of these."""
    found: dict[str, tuple[str, ...]] = {}
    for phrase in phrases:
        words = split(phrase)
        if words and words != [phrase]:
            found[words[place]] = (*found.get(words[place], ()), phrase)
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(unicodedata.normalize("NFC", word).replace("_", " ") for word in text.split())


def _regex(text: str) -> str:
    return re.sub(r"\s*\n\s*|(?<=\|) ", "", unicodedata.normalize("NFC", text.strip()))


def alternatives(words: Iterable[str]) -> str:
    """A pattern for any of `words`, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _lines(name: str) -> list[str]:
    text = unicodedata.normalize("NFC", (_FOLDER / name).read_text("utf-8"))
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _listed(name: str, separator: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """The sure entries of a list, and those with ? before them."""
    entries = [entry.strip() for line in ["\n".join(_lines(name))] for entry in line.split(separator)]
    entries = [re.sub(r"\s+", " ", entry) for entry in entries if entry]
    return (
        frozenset(entry for entry in entries if not entry.startswith("?")),
        frozenset(entry[1:] for entry in entries if entry.startswith("?")),
    )


def listed(name: str) -> frozenset[str]:
    """The words of a plain list."""
    return _listed(name, None)[0]


_NAMES, GIVEN_TOO = _listed("given_names.txt", None)
GIVEN_LOW = frozenset(name[1:] for name in _NAMES if name.startswith("+"))
GIVEN = frozenset(name for name in _NAMES if not name.startswith("+")) | GIVEN_LOW
SURNAMES = listed("surnames.txt")
NO_FIRMS = listed("no_firms.txt")
NO_STREETS = listed("no_streets.txt")
_PLACES, _PLACES_TOO = _listed("places.txt", ";")
_COMPANIES, _COMPANIES_TOO = _listed("companies.txt", ";")
PLACES = Phrases([(name, "") for name in _PLACES] + [(name, "?") for name in _PLACES_TOO])
COMPANIES = Phrases(
    (name.removesuffix("'s"), mark + ("'s" if name.endswith("'s") else ""))
    for names, mark in ((_COMPANIES, ""), (_COMPANIES_TOO, "?"))
    for name in sorted(names, key=lambda name: not name.endswith("'s"))
)  # what ends in 's counts only with it
MASKS = Phrases((line, "") for line in _lines("masks.txt"))
FEASTS = Phrases(
    (name.strip().removeprefix("?"), day + "?" * name.strip().startswith("?"))
    for line in _lines("feasts.txt")
    for day, _, names in (line.partition(": "),)
    for name in names.split(";")
)

_HEADS = ("events", "event_tails", "event_heads", "org_heads", "org_tails", "place_heads", "place_tails")
# Words at which some rule begins to look, in lower case. At a capital all of them do.
HOT = (
    frozenset().union(*(list_.first_words() for list_ in (PLACES, COMPANIES, MASKS, FEASTS)))
    | GIVEN
    | GIVEN_TOO
    | frozenset(
        first
        for name in LANGUAGES
        for key in _HEADS
        for word in language(name).sets[key]
        for first in split(word)[:1]
    )
)
