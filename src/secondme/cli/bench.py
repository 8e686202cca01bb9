"""`bench voice`: the measure of the voice, with examples to judge it by."""

import asyncio

from secondme.bench.voices import OWNERS, report


def voice() -> None:
    """How near the offline mind comes to what the bundled chats' owners really said, on exchanges held out."""
    for owner in OWNERS:
        print(owner)
        for line in asyncio.run(report(owner)).lines(shown=6):
            print(line)
        print()
