"""Examples by hypothesis: a short form for every run, a long one that says how many it tried and how to repeat them."""

import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_SEED = 20261120  # of the short form, the same in every run


def holds(
    check: Callable[..., None],
    *given_by: st.SearchStrategy[Any],
    long: bool,
    short: int = 150,
    many: int = 6_000,
) -> None:
    """Try `check` on examples: `short` of them, or `many` with a seed of chance where the long form was asked for."""
    tried, chosen = 0, random.randrange(2**32) if long else _SEED

    def counted(values: tuple[Any, ...]) -> None:
        nonlocal tried
        tried += 1
        check(*values)

    run = given(st.tuples(*given_by))(counted)
    run = settings(
        max_examples=many if long else short,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )(run)
    try:
        seed(chosen)(run)()
    finally:
        print(f"{check.__name__}: {tried} examples, seed {chosen}")
