"""A chat becomes memory by rules: the whole way of an import into the stores, beside reading the same file alone.

`python -m secondme.bench.chats PLAN` is that import, in a process of its own; PLAN is JSON with path and folder.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from itertools import count, cycle
from pathlib import Path
from statistics import median
from time import perf_counter

from secondme.bench import imports
from secondme.bench.lab import Lab, ours
from secondme.bench.reading import alone
from secondme.bench.rows import Row, beside
from secondme.bench.voices import OWNERS
from secondme.memory.exports import open_export
from secondme.observe.logs import configure
from secondme.settings import Settings
from secondme.wiring import open_app

MESSAGES, ROUNDS = 200_000, 2
_WANTED = 0.3
_ME, _OTHER = "Asha Rao", "Ben Okafor"
_EVERY = 25  # one message in so many is one of _NEWS; the others are as people write
_NEWS = (
    "{name} works at {company} now",
    "I met {name} at the station yesterday",
    "{name} lives in {city}, imagine",
    "my friend {name} is a nurse",
    "we are going to {city} on Friday with {name}",
)
_FIRST = ("Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin")
_LAST = ("Adler", "Baker", "Costa", "Dietz", "Evans", "Gomez", "Huber", "Jensen", "Kim", "Lopez")
_CITIES = ("Lisbon", "Berlin", "Madrid", "Mumbai", "London", "Paris", "Porto", "Vienna", "Boston", "Chicago")
_COMPANIES = ("Siemens", "Google", "Bosch", "Infosys", "Spotify", "Nokia", "Philips", "Airbus", "Zalando")
_PATIENCE = 240.0  # seconds


@dataclass(frozen=True, slots=True)
class Remembered:
    """`read`: seconds until the chat lay sealed and its voice was learned; `seconds`: until memory had all of it."""

    messages: int
    read: float
    seconds: float
    sources: int  # messages that said something
    facts: int


async def measure(lab: Lab, *, messages: int = MESSAGES, rounds: int = ROUNDS) -> list[Row]:
    """A chat as people write, and one that says nothing. Raises BenchFailed, TimeoutError."""
    chats = (("as people write", write_chat), ("that say nothing", imports.write_chat))
    return [await _beside_reading(lab, name, write, messages, rounds) for name, write in chats]


async def _beside_reading(
    lab: Lab, name: str, write: Callable[[Path, int], None], messages: int, rounds: int
) -> Row:
    """By turns: the file read alone, then imported into empty stores."""
    path, parsed, whole = lab.folder / f"WhatsApp Chat with {_OTHER}.txt", list[float](), list[Remembered]()
    await asyncio.to_thread(write, path, messages)
    for number in range(rounds):
        found = await alone(path, 1)
        parsed.append(found.messages / found.seconds)
        plan = {"path": str(path), "folder": str(lab.folder / f"{name} {number}")}
        whole.append(Remembered(**await ours("chats", plan, lab.folder, _PATIENCE)))
    rates, one = [one.messages / one.seconds for one in whole], whole[-1]
    row = beside(
        f"Memory: {messages:,} messages {name}, imported with rules",
        median(rates),
        "/s",
        ("reading the file alone", median(parsed)),
        _WANTED,
        f"rounds {_told(rates)}, alone {_told(parsed)}; {one.sources / one.messages:.1%} say something,"
        f" {one.facts:,} facts; read, its voice learned and sealed after {one.read:.1f} of {one.seconds:.1f} s",
    )
    return replace(row, detail=asdict(one))


def _told(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def write_chat(path: Path, messages: int) -> None:
    """A chat of two as Android exports it: what the bundled chats say, in turn, and news of a hundred people."""
    at, small, told = datetime(2012, 1, 30, 9), cycle(_small_talk()), news()
    with path.open("w", encoding="utf-8") as file:
        for n in range(messages):
            at += timedelta(seconds=60 + n * 7919 % 400)
            text = next(told) if n % _EVERY == 0 else next(small)
            file.write(f"{at:%d/%m/%Y, %H:%M} - {(_ME, _OTHER)[n % 2]}: {text}\n")


def _small_talk() -> list[str]:
    found = []
    for place in OWNERS.values():
        with as_file(files("secondme").joinpath("samples", *place)) as path:
            found += [" ".join(m.text.split()) for m in open_export(path).messages() if m.author and m.text]
    return found


def news() -> Iterator[str]:
    """For ever: where people work and live, who was met, and what somebody does."""
    for n in count():
        yield _NEWS[n % len(_NEWS)].format(
            name=people(n), company=_COMPANIES[n % len(_COMPANIES)], city=_CITIES[n * 7 % len(_CITIES)]
        )


def people(n: int) -> str:
    """The name of the n-th of 110 people; the next is the first again."""
    return f"{_FIRST[n % len(_FIRST)]} {_LAST[n % len(_LAST)]}"


async def remember(path: Path, folder: Path) -> Remembered:
    """Import as `secondme import --no-model` does, into stores of its own in `folder`."""
    app = await open_app(
        Settings.model_validate({"SECONDME_DATA_DIR": folder, "SECONDME_EXTRACTION": "rules"})
    )
    try:
        await app.mirror.migrate()
        begin = perf_counter()
        report = await app.importer.run(path, _ME, keep_voice=False)
        read = perf_counter() - begin
        while await app.import_worker.work_once():
            pass
        seconds = perf_counter() - begin
        [(sources,)] = await app.graph.run("MATCH (s:Source) RETURN count(s)")
        [(facts,)] = await app.graph.run("MATCH (f:Fact) RETURN count(f)")
    finally:
        await app.close()
    return Remembered(report.messages, read, seconds, int(sources), int(facts))


def main(argument: str) -> None:
    """See above. Prints JSON."""
    plan = json.loads(argument)
    configure("bench", stderr=False)
    found = asyncio.run(remember(Path(plan["path"]), Path(plan["folder"])))
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
