"""One message, cut into words, and what has been found in it so far."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secondme.domain.fact import LONGEST_NAME, EntityType
from secondme.memory.extract.lexicon import LANGUAGES, WORD, Language, language

_HIDDEN = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+|@\w+")
_ENDS = re.compile(r"[.!?…\n:;]|[^\w\s,'\"’()&/-]")
_CLAUSE = re.compile(r"[.!?…\n;:,(]")
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
        self.text = _HIDDEN.sub(lambda found: " " * len(found.group()), text)
        self.lower = self.text.lower() if len(self.text.lower()) == len(self.text) else self.text
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        for found in WORD.finditer(self.text):
            word = _POSSESSIVE.sub("", found.group())
            self.words.append(word)
            self.starts.append(found.start())
            self.ends.append(found.start() + len(word))
        self.lows = [word.lower().replace("’", "'") for word in self.words]
        self.taken = [False] * len(self.words)
        self.spans: list[Span] = []
        self.languages = spoken(self.lows, hint)

    def any_has(self, key: str, word: str) -> bool:
        """Whether `word` stands under `key` in a language of this message."""
        return any(word in lang.sets[key] for lang in self.languages)

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

    def begins(self, at: int) -> bool:
        """Whether a sentence begins here."""
        return at == 0 or bool(_ENDS.search(self.gap(at)))

    def clause(self, at: int) -> str:
        """The clause around a word, in lower case."""
        start = max((cut.end() for cut in _CLAUSE.finditer(self.lower, 0, self.starts[at])), default=0)
        cut = _CLAUSE.search(self.lower, self.ends[at])
        return self.lower[start : cut.start() if cut else len(self.lower)]

    def before(self, key: str, at: int, comma: bool = False) -> bool:
        """Whether a phrase under `key` ends right before the word `at`."""
        near = self.lower[: self.starts[at]]
        near = near.rstrip(" ,!") if comma else near.rstrip(" ")
        return self._phrase(key, at, near)

    def _phrase(self, key: str, at: int, near: str) -> bool:
        if at and near.endswith(self.lows[at - 1]) and self.any_has(key, self.lows[at - 1]):
            return True
        return any(
            near.endswith(phrase) and (len(near) == len(phrase) or not near[-len(phrase) - 1].isalnum())
            for lang in self.languages
            for phrase in lang.ordered[key]
            if not phrase.isalnum()
        )

    def after(self, key: str, at: int) -> bool:
        """Whether a phrase under `key` begins right after the word `at`."""
        rest = self.lower[self.ends[at] :]
        if not rest[:1].isspace() and not rest.startswith(("'s", "’s")):
            return False
        rest = rest.lstrip()
        follow = self.lows[at + 1] if at + 1 < len(self.lows) else ""
        return any(
            follow in lang.sets[key]
            or any(
                " " in p and rest.startswith(p) and not rest[len(p) : len(p) + 1].isalnum()
                for p in lang.ordered[key]
            )
            for lang in self.languages
        )

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
