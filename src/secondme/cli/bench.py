"""`bench voice` and `bench extract`: how near we come, in more detail than the table has."""

import asyncio
import json
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from secondme.bench.extract import KINDS, LANGUAGES, SETS, score, share
from secondme.bench.voices import OWNERS, report

_WIDE = 160  # columns where nobody looks


def voice() -> None:
    """How near the offline mind comes to what the bundled chats' owners really said, on exchanges held out."""
    for owner in OWNERS:
        print(owner)
        for line in asyncio.run(report(owner)).lines(shown=6):
            print(line)
        print()


def extract(*, as_json: bool) -> None:
    """What rules find in labelled messages: precision and recall of each kind, by set and language."""
    found = {part: {name: score(part, name) for name in LANGUAGES} for part in SETS}
    if as_json:
        print(
            json.dumps(
                {part: {name: _shares(of) for name, of in names.items()} for part, names in found.items()}
            )
        )
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    for part, names in found.items():
        table = Table("precision, recall", *KINDS, title=part, title_justify="left")
        for name, of in names.items():
            table.add_row(name, *(_cell(of[kind]) for kind in KINDS))
        console.print(table)


def _shares(of: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, float]]:
    return {
        kind: {"precision": share(c, "found"), "recall": share(c, "labelled"), **c} for kind, c in of.items()
    }


def _cell(counts: Mapping[str, int]) -> str:
    return f"{share(counts, 'found'):.2f}, {share(counts, 'labelled'):.2f} of {counts['labelled']}"
