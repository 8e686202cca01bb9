"""Of what is one at a time a message may state several, but not any number."""

from collections import Counter
from collections.abc import Iterable

from secondme.domain.fact import SINGLE, Statement

_MOST = 3  # "I moved from Porto over Faro to Lisbon"


def bounded(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Each once and in order; of one subject's homes, employers, jobs or days the last three: who lives in forty
    places has said nothing."""
    kept, seen = list[Statement](), Counter[object]()
    for one in reversed(dict.fromkeys(statements)):
        seen[one.predicate, one.subject] += 1
        if one.predicate not in SINGLE or seen[one.predicate, one.subject] <= _MOST:
            kept.append(one)
    return tuple(reversed(kept))
