"""Reading exports: how fast beside others, and whether memory stays flat."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from secondme.bench.lab import BenchFailed, Lab, program
from secondme.bench.reading import Read, alone
from secondme.bench.rows import Row, beside, plain, skipped, within

MESSAGES = 200_000
GROWN = 10  # times as many messages
_FLAT = 8.0  # MB that ten times the messages may cost more: an allocator's breath
_REGEX = "universal regex + datetime"
_WHATSTK = ("whatstk given hformat", "whatstk auto-header")  # the second where it cannot be told the first
_VERSION = (
    "from importlib.metadata import version as v; print('whatstk', v('whatstk'), 'on pandas', v('pandas'))"
)
_FORMS = ("android", "ios")
_CYCLES = 2
_GENERATED, _RUN, _INSTALLED = 120.0, 300.0, 240.0  # seconds that each may take
_PRINTED = re.compile(r"^(?P<what>.+) \((?P<form>\w+)(?:\.txt)?\): .* (?P<rate>[\d,]+)/s", re.MULTILINE)
type Rates = dict[tuple[str, str], float]


async def measure(lab: Lab, *, messages: int = MESSAGES) -> list[Row]:
    """Rates and memory. Raises BenchFailed, TimeoutError."""
    small, large = (lab.folder / f"chat-{size}.txt" for size in (messages, messages * GROWN))
    await asyncio.to_thread(write_chat, small, messages)
    await asyncio.to_thread(write_chat, large, messages * GROWN)
    one, ten = await alone(small, 3), await alone(large, 1)
    large.unlink()
    rate = plain("Import: a plain chat", one.messages / one.seconds, "/s", f"{one.messages:,} messages")
    return [*await _beside_peers(lab, messages), rate, _flat(one, ten)]


def write_chat(path: Path, messages: int) -> None:
    """An invented chat as Android exports it, a line a message."""
    at = datetime(2012, 1, 30, 9)  # a day above 12 tells the order of its dates
    names = ("Asha Rao", "Ben", "Çelik Yıldız")
    with path.open("w", encoding="utf-8") as file:
        for n in range(messages):
            at += timedelta(seconds=60 + n * 7919 % 400)
            file.write(f"{at:%d/%m/%Y, %H:%M} - {names[n % 3]}: ok, {n} it is then, see you at the station\n")


def _flat(one: Read, ten: Read) -> Row:
    return within(
        f"Import: memory that {GROWN} times the messages cost more",
        ten.megabytes - one.megabytes,
        "MB",
        _FLAT,
        f"at the most {one.megabytes:.0f} MB at {one.messages:,}, {ten.megabytes:.0f} MB at {ten.messages:,}",
    )


async def _beside_peers(lab: Lab, messages: int) -> list[Row]:
    if lab.peers is None:
        return [
            skipped("Import: beside others", "skipped: needs PEERS, the folder of programs to compare with")
        ]
    await program([sys.executable, lab.peers / "gen_export.py", str(messages)], lab.folder, _GENERATED)
    best: dict[str, Read] = {}
    python, printed = _interpreter(lab.peers), ""
    for _ in range(_CYCLES):  # by turns, so that a busy moment hits neither side alone
        for form in _FORMS:
            best[form] = _quicker(await alone(lab.folder / f"{form}.txt", 3), best.get(form))
        printed += await program([python, lab.peers / "imp.py", "limit"], lab.folder, _RUN)
    measured = rates(printed)
    rows = [_row(form, best[form], (_REGEX,), measured, 0.7) for form in _FORMS]
    return rows + await _beside_whatstk(lab, lab.peers, best)


async def _beside_whatstk(lab: Lab, peers: Path, best: Mapping[str, Read]) -> list[Row]:
    try:
        python = await _with_whatstk(lab, peers)
        version = (await program([python, "-c", _VERSION], lab.folder, _RUN)).strip()
    except (BenchFailed, TimeoutError) as error:
        return [skipped("Import: beside whatstk", f"skipped: it is not installed and could not be: {error}")]
    printed = ""
    for form in _FORMS * _CYCLES:
        printed += await program([python, peers / "imp.py", "whatstk", f"{form}.txt"], lab.folder, _RUN)
    return [_row(form, best[form], _WHATSTK, rates(printed), 5, version) for form in _FORMS]


def _quicker(one: Read, other: Read | None) -> Read:
    return one if other is None or one.seconds < other.seconds else other


def _row(
    form: str, found: Read, peers: Sequence[str], measured: Rates, least: float, version: str = ""
) -> Row:
    """Beside the first of `peers` that could read the file."""
    name = f"Import: {form} export"
    for peer in peers:
        if bar := measured.get((peer, form)):
            rate = found.messages / found.seconds
            note = f"{found.messages:,} messages" + (f"; {version}" if version else "")
            return beside(name, rate, "/s", (peer, bar), least, note)
    return skipped(name, f"skipped: {peers[0]} could not read this file")


def rates(printed: str) -> Rates:
    """Messages a second by (program, form), the best of each, from what imp.py prints."""
    best: Rates = {}
    for found in _PRINTED.finditer(printed):
        key, rate = (found["what"], found["form"]), float(found["rate"].replace(",", ""))
        best[key] = max(rate, best.get(key, 0.0))
    return best


def _interpreter(peers: Path) -> Path:
    """The peers' own, where they have one."""
    own = peers / "v12" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)


async def _with_whatstk(lab: Lab, peers: Path) -> Path:
    """An interpreter that has it: the peers' own, else a fresh one. Raises BenchFailed, TimeoutError."""
    try:
        await program([_interpreter(peers), "-c", _VERSION], lab.folder, _RUN)
    except BenchFailed:
        lab.say("import: installing whatstk into a folder of its own …")
    else:
        return _interpreter(peers)
    fresh = lab.folder / "whatstk"
    await program([sys.executable, "-m", "venv", fresh], lab.folder, _INSTALLED)
    python = fresh / "bin" / "python"
    await program([python, "-m", "pip", "install", "-q", "whatstk"], lab.folder, _INSTALLED)
    return python
