"""Words as the voice compares them, and the lists of those that can, or cannot, name or betray anybody."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources

_LETTERS = re.compile(r"[^\W\d_]+")
_RUNS = re.compile(r"(.)\1{2,}")
_PICTURE = (
    "[\U0001f300-\U0001f5ff\U0001f600-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb"
    "\U0001f900-\U0001f9ff\U0001fa70-\U0001faff\U0001f1e6-\U0001f1ff\u2600-\u27bf\u2b50\u2b55]"
)
_EMOJI = re.compile(f"{_PICTURE}(?:\ufe0f|[\U0001f3fb-\U0001f3ff]|\u200d{_PICTURE})*")


def tokens(text: str) -> list[str]:
    """Runs of letters as written; digits, punctuation and emoji are left out."""
    return _LETTERS.findall(text)


def normal(word: str) -> str:
    """One spelling for `Sooo`, `soo` and `SOO`: case folded, runs of three or more letters made two."""
    return _cached_normal(word) if len(word) <= 24 else _normal(word)


def _normal(word: str) -> str:
    return _RUNS.sub(r"\1\1", unicodedata.normalize("NFKC", word).casefold())


_cached_normal = lru_cache(50_000)(_normal)


def emoji(text: str) -> list[str]:
    """The pictures in a text, one by one; joined ones count once."""
    return [] if text.isascii() else _EMOJI.findall(text)


def flat(text: str) -> str:
    """A text as `again and again` compares it: normal words joined by one blank."""
    return " ".join(normal(word) for word in tokens(text))


def _listed(name: str) -> frozenset[str]:
    """The words of a list beside this module; lines that begin with # are remarks."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


PLAIN_WORDS = _listed("plain_words.txt")
GIVEN_NAMES = _listed("given_names.txt")
QUESTION_WORDS = _listed("question_words.txt")
_GREETINGS = _listed("greetings.txt")
_WISHES = frozenset(("good", "guten", "buenos", "buenas", "bom", "boa"))
_DAY_PARTS = frozenset(
    ("morning", "afternoon", "evening", "morgen", "tag", "abend", "días", "tardes", "noches", "dia", "tarde")
)
_PRIVATE = _listed("private_stems.txt")
_SECRET = _listed("secret_stems.txt")
_STEM_LENGTHS = tuple(sorted({len(stem) for stem in _PRIVATE | _SECRET}))


def greeting(words: Sequence[str]) -> str | None:
    """The greeting that a message (its normal words) begins with: one word, or two as in `good evening`."""
    if len(words) > 1 and words[0] in _WISHES and words[1] in _DAY_PARTS:
        return f"{words[0]} {words[1]}"
    return words[0] if words and words[0] in _GREETINGS else None


def is_private(word: str) -> bool:
    """Whether a folded word is about what one tells only to one; a stem of three letters is a whole word."""
    return _begins(word, _PRIVATE)


def is_secret(word: str) -> bool:
    """Whether a folded word announces a key or a code, which nobody is shown again."""
    return _begins(word, _SECRET)


def _begins(word: str, stems: frozenset[str]) -> bool:
    return any(word[:length] in stems and (length > 3 or len(word) == length) for length in _STEM_LENGTHS)
