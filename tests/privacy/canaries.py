"""Words by the hundred, each said once and looked for everywhere."""

import re
from dataclasses import dataclass, field
from itertools import product
from string import ascii_lowercase

from tests.privacy.places import shapes

_TAIL = 3  # letters


@dataclass
class Canaries:
    """All words of one person. `made`: what each of them was said as."""

    prefix: str
    made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tails = map("".join, product(ascii_lowercase, repeat=_TAIL))
        self._plain = re.compile(f"{self.prefix}[a-z]{{{_TAIL}}}".encode(), re.IGNORECASE)
        forms = shapes(self.prefix) - {self.prefix.encode(), self.prefix.upper().encode()}
        self._coded = re.compile(b"|".join(map(re.escape, sorted(forms))))

    def __call__(self, what: str) -> str:
        """A new one, a word of small letters."""
        word = f"{self.prefix}{next(self._tails)}"
        self.made[word] = what
        return word

    def several(self, what: str, count: int) -> list[str]:
        return [self(what) for _ in range(count)]

    def of(self, what: str) -> set[str]:
        """Those that were said as something that begins so."""
        return {word for word, said_as in self.made.items() if said_as.startswith(what)}

    def found(self, data: bytes) -> set[str]:
        """Those that stand in it, however they are written; `coded` for any of them in base64, hex or UTF-16."""
        plain = {match.group().lower().decode() for match in self._plain.finditer(data)}
        return plain | ({"coded"} if self._coded.search(data) else set())
