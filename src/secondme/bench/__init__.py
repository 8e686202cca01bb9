"""`secondme bench`: what SecondMe costs and how near it comes, measured here and now, in one table."""

from collections.abc import Collection
from pathlib import Path


def run(
    peers: Path | None, *, into: Path | None = None, only: Collection[str] = (), paper: Path | None = None
) -> None:
    """Measure, print the table, and write it to `into` as JSON and to `paper` as Markdown.

    It takes less than seven minutes, beside others less than thirteen.

    `peers` is a folder of programs to compare with; `only` names some sections. Raises Invalid for an unknown
    section or a folder that is not there, before anything runs.
    """
    from secondme.bench.sections import measure  # the programs that it starts are of this package, and light

    measure(peers, into, only, paper)
