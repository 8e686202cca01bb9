"""The words that phones write around messages, read from words.tsv."""

import unicodedata
from functools import cache
from importlib.resources import files

MARKS = "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
"""Characters that set direction or nothing at all; WhatsApp puts them before what it writes itself."""

_BARE = dict.fromkeys(map(ord, MARKS))
_LETTERS = frozenset("LMN")
_SHORT = 120  # characters; no phrase of ours is longer


def unmarked(text: str) -> str:
    """The text without direction marks, and with plain spaces in place of no-break ones."""
    return text.translate(_BARE).replace("\u00a0", " ").replace("\u202f", " ")


def letters(word: str) -> str:
    """The letters and digits of a word, in lower case: "p. m." and "PM" are both pm."""
    folded = unicodedata.normalize("NFC", word).casefold()
    return "".join(c for c in folded if unicodedata.category(c)[0] in _LETTERS)


def phrase(text: str) -> str:
    """The form in which phrases are compared; empty for what is too long to be one."""
    if len(text) > _SHORT:
        return ""
    folded = unicodedata.normalize("NFC", unmarked(text)).casefold()
    return " ".join(folded.split()).rstrip(".。।۔ ")


@cache
def _rows() -> list[list[str]]:
    text = files(__package__).joinpath("words.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@cache
def phrases(kind: str) -> frozenset[str]:
    """The phrases of a kind, in the form for comparison: omitted, deleted, edited, attached, notice."""
    return frozenset(map(phrase, written_phrases(kind)))


@cache
def written_phrases(kind: str) -> tuple[str, ...]:
    """The phrases of a kind, as phones write them."""
    return tuple(p for row in _rows() if row[0] == kind for p in row[2].split("|"))


@cache
def day_periods() -> dict[str, str]:
    """Letters of a word beside a clock → am, pm, noon, night or none."""
    kinds = ("none", "night", "noon", "pm", "am")
    return {
        letters(w): kind for kind in kinds for row in _rows() if row[0] == kind for w in row[2].split("|")
    }


@cache
def bare_placeholders() -> frozenset[str]:
    """Whole bodies that older phones wrote for media they left out, as written."""
    found = set[str]()
    for row in _rows():
        if row[0] == "bare":
            plain = {f"{thing} {end}" for thing in row[2].split(",") for end in row[3].split(",")}
            found |= plain | {p[:1].upper() + p[1:] for p in plain}
            found |= {p.replace("gif", "GIF") for p in plain}
    return frozenset(found)
