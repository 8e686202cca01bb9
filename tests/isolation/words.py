"""Invented words that occur nowhere else, so that one of them in a prompt can have come from one place only."""

import re
from itertools import count

_TOKEN = re.compile(r"[a-z]+x\b|q\d+", re.IGNORECASE)
_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
_STEP = 7_919  # a prime: neighbours look nothing like each other


class Words:
    """Makes them. Each begins with a capital, and the rules take it for whatever its sentence makes of it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.made: set[str] = set()

    def new(self) -> str:
        number, word = next(self._numbers) * _STEP, ""
        for _ in range(4):
            number, place = divmod(number, len(_SYLLABLES))
            word += _SYLLABLES[place]
        self.made.add(f"{word}x")
        return f"{word}x".capitalize()

    def mark(self) -> str:
        """One that names a single message."""
        mark = f"q{next(self._numbers)}"
        self.made.add(mark)
        return mark

    def within(self, text: str) -> set[str]:
        """Those that stand in a text, in small letters."""
        return {word.lower() for word in _TOKEN.findall(text)} & self.made
