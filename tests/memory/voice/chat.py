"""Chats for these tests, one line a message: `Ana: are you in?`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from secondme.memory.exports import ExportMessage, Kind, open_export

START = datetime(2026, 3, 2, 9, 0)
SAMPLES = Path(__file__).parents[3] / "src" / "secondme" / "samples"
BUNDLED = {
    "Lena Brandt": SAMPLES / "lena" / "WhatsApp Chat with Mara Ruiz.txt",
    "Viktor Hale": SAMPLES / "viktor" / "_chat.txt",
}


def chat(*lines: str, gap: timedelta = timedelta(minutes=1)) -> list[ExportMessage]:
    """Messages a minute apart. `Ana <3h>: text` waits three hours first; `Ana [media]:` sends a picture."""
    at, found = START, []
    for line in lines:
        head, text = line.split(": ", 1)
        author, _, mark = head.partition(" [")
        author, _, wait = author.partition(" <")
        at += timedelta(hours=int(wait.rstrip("h>"))) if wait else gap
        kind = Kind(mark.rstrip("]")) if mark else Kind.TEXT
        found.append(ExportMessage(at, author, kind, text, None))
    return found


def again(lines: Sequence[str], times: int) -> list[ExportMessage]:
    """The same exchange day after day."""
    day = chat(*lines)
    return [
        ExportMessage(m.at + timedelta(days=n), m.author, m.kind, m.text, None)
        for n in range(times)
        for m in day
    ]


def bundled(me: str) -> list[ExportMessage]:
    """The chat of one of the two owners that come with the package."""
    return list(open_export(BUNDLED[me]).messages())
