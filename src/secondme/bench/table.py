"""The table as people read it, and as programs do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from math import inf
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secondme.bench.rows import Row

_WIDE = 200  # columns where nobody looks: a pipe has no edge to wrap at
_QUIET = 0.15  # cores kept busy by others below which figures may be compared
_VERDICTS = {True: "yes", False: "NO", None: ""}


def show(machine: Mapping[str, object], rows: Sequence[Row]) -> None:
    """Print the table."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for heading in ("What", "Figure", "Against", "Ratio", "Wanted", "Met", "Note"):
        table.add_column(
            heading, overflow="fold", justify="right" if heading in ("Figure", "Ratio") else "left"
        )
    for row in rows:
        table.add_row(*map(Text, _cells(row)))
    console.print(Text(", ".join(f"{name} {value}" for name, value in machine.items())))
    console.print(table)
    for line in noise(rows):
        console.print(Text(line))


def _cells(row: Row) -> tuple[str, ...]:
    bar = f"{row.against} {figure(row.bar, row.unit)}" if row.bar is not None else ""
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    return row.name, figure(row.value, row.unit), bar, ratio, row.wanted, _VERDICTS[row.met], row.note


def as_markdown(machine: Mapping[str, object], rows: Sequence[Row]) -> str:
    """The table for a page: the day, the machine, every row, and how busy others were."""
    headings = ("What", "Figure", "Against", "Ratio", "Wanted", "Met", "Note")
    lines = [
        f"{date.today().isoformat()}: " + ", ".join(f"{name} {value}" for name, value in machine.items()),
        "",
        *(f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings))),
        *(f"| {' | '.join(cell.replace('|', '/') for cell in _cells(row))} |" for row in rows),
        "",
        *noise(rows),
    ]
    return "\n".join(lines) + "\n"


def figure(value: float | None, unit: str) -> str:
    """A number with its unit; a dash for what was not measured."""
    if value is None:
        return "–"
    if value == inf:
        return "never"
    digits = {"/s": 0, "MB": 0, "": 3}.get(unit, 1)
    return f"{value:,.{digits}f}{'' if unit in ('', '/s') else ' '}{unit}"


def noise(rows: Sequence[Row]) -> list[str]:
    """How busy others kept the machine, section by section, and what that makes of the figures."""
    seen = {row.section: row.noise for row in rows if row.noise}
    if not seen:
        return []
    parts = (f"{name} {n.others:.2f} (load before {n.load:.2f})" for name, n in seen.items())
    lines = [f"Cores that others kept busy: {', '.join(parts)}."]
    if any(n.others > _QUIET for n in seen.values()):
        lines.append("This machine was not quiet: times above say little; ratios of one run say more.")
    return lines


def as_json(machine: Mapping[str, object], rows: Sequence[Row]) -> str:
    """Everything measured, for programs."""
    return json.dumps(
        {"machine": machine, "rows": [_plain(row) for row in rows]}, ensure_ascii=False, indent=2
    )


def _plain(row: Row) -> dict[str, Any]:
    """A row without infinities, which JSON does not know: what never came is null, and not met."""
    found = {field.name: getattr(row, field.name) for field in fields(row)}
    found |= {"ratio": row.ratio, "detail": dict(row.detail), "noise": row.noise and asdict(row.noise)}
    return {name: None if value == inf else value for name, value in found.items()}
