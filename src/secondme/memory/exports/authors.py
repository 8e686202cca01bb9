"""Names as exports write them, made comparable."""

from secondme.memory.exports.words import unmarked

_CACHED = 20_000
_QUOTES = (("“", "”"), ("«", "»"), ("„", "“"), ("「", "」"))


class Authors(dict[str | None, str | None]):
    """Written name → name, or None where no person is named; each spelling is cleaned once.

    Direction marks go, no-break spaces become spaces, and so does the "~ " before people who are no contact.
    """

    def __missing__(self, written: str | None) -> str | None:
        if len(self) >= _CACHED:
            self.clear()
        found = self[written] = None if written is None else _name(written)
        return found


def _name(written: str) -> str | None:
    name = unmarked(written).strip()
    if name.startswith("~"):
        name = name[1:].strip()
    return None if not name or _inside_quotes(name) else name


def _inside_quotes(name: str) -> bool:
    """Whether a quotation begins and does not end: 'Ana changed the subject to "Trip: Rome"' names nobody."""
    return name.count('"') % 2 == 1 or any(name.count(a) > name.count(b) for a, b in _QUOTES)
