"""Names as exports write them, made comparable."""

import re
from functools import lru_cache

from secondme.memory.exports.words import unmarked

_CACHED = 20_000
_CHOSEN = "~"  # before the name of somebody who is no contact
_NUMBER = re.compile(r"\W*(?:\d\W*){6,}")
_QUOTES = (("“", "”"), ("«", "»"), ("„", "“"), ("「", "」"))


class Authors(dict[str | None, str | None]):
    """Written name → name, or None where no person is named; each spelling is cleaned once.

    Direction marks go, no-break spaces become spaces, and so does the "~ " before people who are no contact. Those
    chose their names themselves: where it is that of `me`, the owner, or somebody's number, the "~ " stays, so that
    they are somebody else.
    """

    def __init__(self, me: str | None = None) -> None:
        super().__init__()
        self._me = same_name(me).removeprefix(_CHOSEN) if me else None

    def __missing__(self, written: str | None) -> str | None:
        if len(self) >= _CACHED:
            self.clear()
        found = self[written] = None if written is None else self._name(written)
        return found

    def _name(self, written: str) -> str | None:
        name = unmarked(written).strip()
        if chosen := name.startswith(_CHOSEN):
            name = name.removeprefix(_CHOSEN).strip()
        if not name or _inside_quotes(name):
            return None
        claims = chosen and (same_name(name) == self._me or _NUMBER.fullmatch(name) is not None)
        return f"{_CHOSEN} {name}" if claims else name


@lru_cache(2_000)
def same_name(name: str | None) -> str:
    """A name as two exports of one chat agree on it: without marks and case. The tilde of a name that somebody chose
    for themselves stays before it."""
    shown = "".join(c for c in name or "" if c.isprintable()).strip().casefold()
    return _CHOSEN + shown.removeprefix(_CHOSEN).strip() if shown.startswith(_CHOSEN) else shown


def _inside_quotes(name: str) -> bool:
    """Whether a quotation begins and does not end: 'Ana changed the subject to "Trip: Rome"' names nobody."""
    return name.count('"') % 2 == 1 or any(name.count(a) > name.count(b) for a, b in _QUOTES)
