"""Counting in bounded memory: an import may hold two million messages."""

from collections.abc import Iterable


class Tally:
    """Counts of the most frequent keys; keeps at most twice `limit` keys in memory.

    Rare keys are forgotten when room runs out, so a count may be too low, never too high.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: dict[str, int] = {}

    def add(self, key: str) -> None:
        counts = self._counts
        counts[key] = counts.get(key, 0) + 1
        if len(counts) > 2 * self._limit:
            kept = sorted(counts.items(), key=lambda item: -item[1])[: self._limit]
            self._counts = dict(kept)

    def top(self, at_least: int = 1) -> list[tuple[str, int]]:
        """Key and count, most frequent first, ties by key."""
        found = [(key, count) for key, count in self._counts.items() if count >= at_least]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def __len__(self) -> int:
        return len(self._counts)


class Sieve:
    """A set of words in `2 ** bits / 8` bytes that never forgets one, and rarely claims one it was not given.

    That is the right way round for what must not be shown: a full sieve suspects too much.
    """

    def __init__(self, bits: int = 23) -> None:
        self._mask = (1 << bits) - 1
        self._half = bits
        self._cells = bytearray((1 << bits) // 8)

    def _places(self, word: str) -> tuple[int, int]:
        mixed = hash(word)
        return mixed & self._mask, (mixed >> self._half) & self._mask

    def add(self, word: str) -> None:
        for place in self._places(word):
            self._cells[place >> 3] |= 1 << (place & 7)

    def update(self, words: Iterable[str]) -> None:
        for word in words:
            self.add(word)

    def __contains__(self, word: str) -> bool:
        return all(self._cells[place >> 3] & (1 << (place & 7)) for place in self._places(word))
