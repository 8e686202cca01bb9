"""The table of contents: what is measured, in this order, one section after the other."""

import asyncio
import signal
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from time import monotonic

from secondme.bench import accepts, bell, demo, extract, imports, ingest, memory, replies, voices, worker
from secondme.bench.lab import Lab, Section
from secondme.bench.machine import Watch, describe
from secondme.bench.peers import Peers
from secondme.bench.rows import Row, skipped
from secondme.bench.table import as_json, as_markdown, show
from secondme.domain.errors import Invalid, SecondMeError

SECTIONS: dict[str, Section] = {
    "replies": replies.measure,
    "demo": demo.measure,
    "import": imports.measure,
    "voice": voices.measure,
    "extract": extract.measure,
    "memory": memory.measure,
    "accepts": accepts.measure,
    "ingest": ingest.measure,
    "worker": worker.measure,
    "bell": bell.measure,
}

_ON_PEERS_STORES = frozenset({"ingest", "worker", "bell"})


def measure(peers: Path | None, into: Path | None, only: Collection[str], paper: Path | None) -> None:
    """See secondme.bench.run."""
    if unknown := set(only) - set(SECTIONS):
        raise Invalid(f"No section is called {', '.join(sorted(unknown))}; there are: {', '.join(SECTIONS)}.")
    if peers is not None and not (peers / "imp.py").is_file():
        raise Invalid(f"{peers} holds no peers: name the folder that has imp.py and gen_export.py.")
    for file in (into, paper):
        if file is not None and not file.absolute().parent.is_dir():
            raise Invalid(f"{file} cannot be written: its folder is not there.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it ends what it started
    with tempfile.TemporaryDirectory(prefix="secondme-bench-", ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder), peers.resolve() if peers else None)
        rows = asyncio.run(_sections(lab, [name for name in SECTIONS if not only or name in only]))
    machine = describe()
    show(machine, rows)
    if into is not None:
        into.write_text(as_json(machine, rows))
    if paper is not None:
        paper.write_text(as_markdown(machine, rows))


async def _sections(lab: Lab, names: Collection[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        lab.say(f"{name} …")
        begin, watch = monotonic(), _watch(lab, name)
        try:
            found = await SECTIONS[name](lab)
        except (SecondMeError, TimeoutError) as error:
            found = [skipped(name, f"failed: {error or 'it took too long'}")]
        noise = watch.stop()
        rows += [replace(row, section=name, noise=row.noise or noise) for row in found]
        lab.say(f"{name}: {monotonic() - begin:.0f} s")
    return rows


def _watch(lab: Lab, name: str) -> Watch:
    """The peers' stores work for us where a section uses them: they are nobody else's noise then."""
    if lab.peers is None or name not in _ON_PEERS_STORES:
        return Watch()
    return Watch(Peers(lab.peers).used)
