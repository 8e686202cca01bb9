"""What was said before a reply, as a vector of keyed hashes, and the index that finds the nearest ones.

Nobody can read a cue without the key, and with it only by guessing words: the words themselves are not kept.
"""

import hashlib
import heapq
import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise

from secondme.memory.voice.words import PLAIN_WORDS, QUESTION_WORDS, emoji, greeting, normal, tokens

MOST_HASHES = 80  # a cue, about ten words
_MOST_WORDS = 40  # of the last message, then of those before it, until there are so many
_WEIGHTS = (1.0, 0.7, 0.25, 0.6)  # of a whole word, a stem, a piece of a word, a shape
_WORD, _STEM, _PIECE, _SHAPE = range(4)
_MOST_VISITS = 25_000  # postings looked at a question: bounds its time at any size
# fmt: off
_ENDINGS = (
    "ings", "ing", "edly", "ies", "ied", "est", "ers", "en", "ed", "er", "es", "ly", "e", "s", "n", "t",
)
# fmt: on


def cue(texts: Sequence[str], key: bytes) -> tuple[int, ...]:
    """Keyed 63-bit hashes of what `texts` (one or several messages in a row) say; at most 80, none twice.

    Words, light stems, pieces of three letters and shapes such as "asks" are told apart by the two lowest
    bits, so that they can weigh differently.
    Raises ValueError for an empty key: without one the words could be guessed by anyone.
    """
    if not key:
        raise ValueError("A cue needs a key that is not empty.")
    secret = hashlib.blake2b(key, digest_size=32).digest()
    found: dict[int, None] = {}
    for kind, feature in _features(texts):
        if len(found) >= MOST_HASHES:
            break
        digest = hashlib.blake2b(feature.encode(), digest_size=8, key=secret).digest()
        found[(int.from_bytes(digest) >> 1) & ~3 | kind] = None
    return tuple(found)


def _features(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """What is worth comparing, most telling first, so that a cut loses little."""
    said = [text for text in texts if text.strip()]
    if not said:
        return
    for shape in _shapes(said):
        yield _SHAPE, shape
    words: list[str] = []
    for text in reversed(said):
        words += [normal(word) for word in tokens(text)][: _MOST_WORDS - len(words)]
    for word in words:
        yield _WORD, word
    for first, second in pairwise(words):
        yield _WORD, f"{first} {second}"
    for word in words:
        if len(word) > 2:
            yield _STEM, _stem(word)
    for word in words:
        if len(word) > 3 and word not in PLAIN_WORDS:
            padded = f"^{word}$"
            yield from ((_PIECE, padded[i : i + 3]) for i in range(len(padded) - 2))


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _shapes(said: Sequence[str]) -> Iterator[str]:
    last = said[-1]
    words = [normal(word) for word in tokens(last)]
    count = len(words)
    yield f"length {min(4, count.bit_length())}"
    yield "asks" if any("?" in text for text in said) else "tells"
    if words and words[0] in QUESTION_WORDS:
        yield f"asks {words[0]}"
    if greeting(words):
        yield "greets"
    if "!" in last:
        yield "exclaims"
    if words:
        yield f"begins {words[0]}"
        yield f"ends {words[-1]}"
    for picture in emoji(last)[:2]:
        yield f"shows {picture}"


class VoiceIndex:
    """Cues by their hashes, in memory. Nearness is the cosine of their hashes, rare ones weighing more."""

    def __init__(self) -> None:
        self._postings: dict[int, array[int]] = {}
        self._lengths: array[float] | None = None  # computed when first asked: every addition changes rarity
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: Sequence[int]) -> int:
        """Add one cue; returns its place, 0 for the first."""
        place = self._count
        self._count += 1
        self._lengths = None
        for hashed in hashes:
            posting = self._postings.get(hashed)
            if posting is None:
                self._postings[hashed] = array("I", (place,))
            else:
                posting.append(place)
        return place

    def nearest(self, hashes: Sequence[int], limit: int) -> list[tuple[int, float]]:
        """Place and closeness (0 to 1) of the nearest cues, best first; of equals, the later addition."""
        lengths = self._measured()
        asked = sorted({h: self._weight(h) for h in hashes}.items(), key=lambda item: -item[1])
        length = math.sqrt(sum(weight * weight for _, weight in asked)) or 1.0
        sums = self._gather(asked)
        scored = ((total / (length * lengths[place]), place) for place, total in sums.items())
        return [(place, min(1.0, score)) for score, place in heapq.nlargest(limit, scored)]

    def _gather(self, asked: list[tuple[int, float]]) -> dict[int, float]:
        sums: dict[int, float] = {}
        visits = 0
        for hashed, weight in asked:
            posting = self._postings.get(hashed, ())
            visits += len(posting)
            if visits > _MOST_VISITS and sums:
                break
            share = weight * weight
            for place in posting:
                sums[place] = sums.get(place, 0.0) + share
        return sums

    def _weight(self, hashed: int) -> float:
        """How much a hash tells. One that no cue has makes what is asked longer, and all cues farther."""
        seen = len(self._postings.get(hashed, ()))
        return (
            _WEIGHTS[hashed & 3] * math.log((self._count + 1) / (seen + 0.5)) if seen <= self._count else 0.0
        )

    def _measured(self) -> "array[float]":
        if self._lengths is None:
            squares = array("d", bytes(8 * self._count))
            for hashed, posting in self._postings.items():
                share = self._weight(hashed) ** 2
                for place in posting:
                    squares[place] += share
            self._lengths = array("d", (math.sqrt(square) or 1.0 for square in squares))
        return self._lengths
