"""One message, cut into words, and what has been found in it so far."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secondme.domain.fact import LONGEST_NAME, EntityType
from secondme.memory.extract.lexicon import HOT, LANGUAGES, WORD, Language, language, vocabulary

_HIDDEN = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|@\w+")
_ENDS = re.compile(r"[.!?…\n:;]|[^\w\s,'\"’()&/-]")
_SENTENCE = re.compile(r"[.!?…\n;]")
_JOINTS = frozenset((" ", "  ", "'s ", "’s ", "' ", "’ "))
_POSSESSIVE = re.compile(r"['’]s$|(?<=s)['’]$")


@dataclass(frozen=True, slots=True)
class Span:
    """Something named: from character `start` to `end`. `feast` holds the day of a feast as its list writes it."""

    type: EntityType
    name: str
    start: int
    end: int
    feast: str = ""


class Page:
    """A message. `words` as written and `lows` in lower case have the same places; `spans` is what was found."""

    def __init__(self, text: str, hint: str | None) -> None:
        text = text if text.isascii() else unicodedata.normalize("NFC", text)
        if "@" in text or "http" in text or "www." in text:
            text = _HIDDEN.sub(lambda found: " " * len(found.group()), text)
        self.text = text
        lower = text.lower()
        self.lower = lower if len(lower) == len(text) else text
        words, starts, ends = list[str](), list[int](), list[int]()
        for found in WORD.finditer(text):
            word, start = found.group(), found.start()
            if "'" in word or "’" in word:
                word = _POSSESSIVE.sub("", word)
            words.append(word)
            starts.append(start)
            ends.append(start + len(word))
        self.words, self.starts, self.ends = words, starts, ends
        self.lows = [word.lower() for word in words]
        if "’" in text:
            self.lows = [low.replace("’", "'") for low in self.lows]
        self.taken = [False] * len(self.words)
        self.spans: list[Span] = []
        self.languages = spoken(self.lows, hint)
        self.names = frozenset(lang.name for lang in self.languages)
        self._vocabulary = vocabulary(tuple(lang.name for lang in self.languages))
        self.hot = [at for at, low in enumerate(self.lows) if low in HOT or self.capital(at)]

    def any_has(self, key: str, word: str) -> bool:
        """Whether `word` stands under `key` in a language of this message."""
        return word in self._vocabulary.sets[key]

    def capital(self, at: int) -> bool:
        """Whether a word is written as a name can be: with a capital, or in a script that has none."""
        first = self.words[at][0]
        return first.isupper() or "\u0900" <= first <= "\u097f"

    def shouted(self, at: int) -> bool:
        """Whether a word is all capitals, and more than one."""
        return len(self.words[at]) > 1 and self.words[at].isupper()

    def gap(self, at: int) -> str:
        """What stands between a word and the one before it; a line's end before the first."""
        return self.text[self.ends[at - 1] : self.starts[at]] if at else "\n"

    def joined(self, at: int) -> bool:
        """Whether only blanks stand between a word and the one before it."""
        return at > 0 and self.gap(at) in _JOINTS

    def owning(self, at: int) -> bool:
        """Whether a word ends in 's, which is no part of it."""
        return self.text[self.ends[at] : self.ends[at] + 2] in ("'s", "’s")

    def joined_word(self, at: int) -> str:
        """A word, in lower case, if only blanks stand before it; else nothing."""
        return self.lows[at] if at < len(self.lows) and self.joined(at) else ""

    def begins(self, at: int) -> bool:
        """Whether a sentence begins here."""
        return at == 0 or bool(_ENDS.search(self.gap(at)))

    def sentence(self, at: int) -> str:
        """The sentence around a word, in lower case."""
        start = max((cut.end() for cut in _SENTENCE.finditer(self.lower, 0, self.starts[at])), default=0)
        cut = _SENTENCE.search(self.lower, self.ends[at])
        return self.lower[start : cut.start() if cut else len(self.lower)]

    def before(self, key: str, at: int, comma: bool = False) -> bool:
        """Whether a phrase under `key` ends right before the word `at`; with `comma`, one may stand between."""
        if at == 0:
            return False
        last, words = self.lows[at - 1], self._vocabulary
        if last not in words.sets[key] and last not in words.ending[key]:
            return False
        between = self.gap(at)
        if between.strip(" ,!" if comma else " ").lstrip(".:"):
            return False
        near = self.lower[: self.starts[at]].rstrip(" ,!" if comma else " ")
        return _ends(near, last, words.sets[key], words.ending[key].get(last, ()))

    def after(self, key: str, at: int) -> bool:
        """Whether a phrase under `key` begins right after the word `at`."""
        if at + 1 >= len(self.lows) or not self.joined(at + 1):
            return False
        first, words = self.lows[at + 1], self._vocabulary
        if first in words.sets[key]:
            return True
        phrases = words.beginning[key].get(first)
        if phrases is None:
            return False
        rest = self.lower[self.starts[at + 1] :]
        return any(rest.startswith(p) and not rest[len(p) : len(p) + 1].isalnum() for p in phrases)

    def dated(self, at: int) -> bool:
        """Whether a word is a month or a weekday."""
        return self.lows[at] in self._vocabulary.calendar

    def take(self, kind: EntityType, first: int, last: int, feast: str = "", name: str | None = None) -> None:
        """Note the words from `first` to `last` as one thing of that type."""
        start, end = self.starts[first], self.ends[last]
        name = self.text[start:end] if name is None else name
        for at in range(first, last + 1):
            self.taken[at] = True
        if len(name) <= LONGEST_NAME:
            self.spans.append(Span(kind, name, start, end, feast))

    def hide(self, first: int, last: int) -> None:
        """Nothing in these words is a name."""
        for at in range(first, last + 1):
            self.taken[at] = True

    def run(self, at: int, most: int = 4) -> int:
        """The last word of a run of names that begins at `at`: capitals, with `de` and its like between two."""
        last = at
        while last + 1 < len(self.words) and last - at + 1 < most and self._goes_on(last + 1):
            last += 1
        while last > at and self.lows[last] in BETWEEN:
            last -= 1
        return last

    def _goes_on(self, at: int) -> bool:
        if self.taken[at] or not self.joined(at):
            return False
        return self.words[at][0].isupper() or self.lows[at] in BETWEEN


def _ends(near: str, last: str, words: frozenset[str], phrases: tuple[str, ...]) -> bool:
    if last in words and near.endswith(last):
        return True
    return any(near.endswith(p) and not near[-len(p) - 1 : -len(p)].isalnum() for p in phrases)


BETWEEN = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "das",
        "del",
        "della",
        "di",
        "la",
        "las",
        "los",
        "el",
        "y",
        "e",
        "&",
        "of",
        "the",
        "von",
        "van",
        "der",
        "den",
        "und",
        "am",
        "und",
    ]
)


def spoken(lows: Sequence[str], hint: str | None) -> tuple[Language, ...]:
    """The languages of a message: whichever have the most of its small words, and any that has half as many."""
    counts = {name: sum(map(language(name).sets["function"].__contains__, lows)) for name in LANGUAGES}
    most = max(counts.values())
    if not most:
        return tuple(map(language, [hint] if hint in LANGUAGES else LANGUAGES))
    return tuple(map(language, sorted(_leading(counts, most), key=lambda name: -counts[name])))


def _leading(counts: dict[str, int], most: int) -> Iterable[str]:
    return (name for name, count in counts.items() if count * 2 > most or count == most)
