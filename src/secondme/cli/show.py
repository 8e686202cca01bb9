"""How things are printed: calm tables, times in the owner's zone, JSON for programs."""

import io
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from secondme.domain.inert import inert

_WIDE = 200  # columns where nobody looks: a pipe has no edge to wrap at
_ROOM_FOR_IDS = 130


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns under quiet headings, if there are any; untrusted text in a cell is only text."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim", show_header=any(headings))
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(plain(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(shown)


def has_room() -> bool:
    """Whether ids fit in beside what people read."""
    return not sys.stdout.isatty() or shutil.get_terminal_size().columns >= _ROOM_FOR_IDS


def line(text: str, style: str = "") -> None:
    """One line at once, also into a pipe; styled on a terminal, and never wrapped: it may hold a link."""
    if not sys.stdout.isatty():
        print(text, flush=True)
        return
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(text, style=style), soft_wrap=True)


def command(what: str) -> str:
    """A command as it can be typed here: by the path of this program, where the shell does not find it by name."""
    called = Path(sys.argv[0])
    if shutil.which(called.name) or called.name != "secondme":
        return f"secondme {what}"
    near = called.absolute().is_relative_to(Path.cwd())
    return f"{called.absolute().relative_to(Path.cwd()) if near else called.absolute()} {what}"


def plain(text: str) -> str:
    """Text that others wrote, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def in_utf8() -> None:
    """Whatever the locale: JSON is UTF-8, and what cannot be encoded becomes an escape that JSON knows."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def as_json(value: Any) -> None:
    """One JSON value, times in ISO form."""
    in_utf8()
    print(inert(json.dumps(value, ensure_ascii=False, indent=2, default=_plain)))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def moment(at: datetime | None, zone: ZoneInfo) -> str:
    """`14:05 CET` today, else with its date; empty for never."""
    if at is None:
        return ""
    local = at.astimezone(zone)
    today = local.date() == datetime.now(zone).date()
    return local.strftime("%H:%M %Z" if today else "%Y-%m-%d %H:%M %Z")


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """`1 message`, `2 messages`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"
