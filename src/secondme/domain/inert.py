"""JSON that may be shown on a terminal."""

import re

# Of what JSON leaves as it is: the other controls, ends of lines and paragraphs, and signs that turn the direction of
# writing.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def inert(written: str) -> str:
    """JSON without a sign that a terminal would obey or a reader of lines take for an end: each is an escape, and says
    the same to a program."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
