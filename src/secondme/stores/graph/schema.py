"""Schema versions of the graph: numbered files, applied in order and remembered in the graph itself.

Every statement may come again: after a crash in the middle of a file, or from two processes that start together.
"""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.stores.graph.client import Graph, QueryRefused

_HERE = Path(__file__).parent
_LONGEST = 120.0  # seconds that constraints may take to look at all nodes
_CONSTRAINT = re.compile(r"CREATE CONSTRAINT ON \(\w+:(\w+)\) ASSERT \w+\.(\w+) IS UNIQUE")
_VECTOR = re.compile(r"(CREATE VECTOR INDEX FOR \(\w+:(\w+)\) ON \(\w+\.embedding\)) OPTIONS .*")
_THERE = ("already indexed", "already exists")  # what the server says of what it has
_NOT_THERE = "no such index"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, and its statements. `$dimension` in them is the embedder's."""

    id: str
    statements: tuple[str, ...]


def statements(text: str) -> tuple[str, ...]:
    """The statements of a file, which end with semicolons; lines that begin with `//` are comments."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return tuple(part for part in map(str.strip, "\n".join(lines).split(";")) if part)


@cache
def migrations() -> tuple[Migration, ...]:
    """All that this version of the product knows, oldest first."""
    files = sorted((_HERE / "migrations").glob("[0-9]*.cypher"))
    return tuple(Migration(file.stem.split("_")[0], statements(file.read_text())) for file in files)


def newest() -> str:
    """The newest migration that this version of the product knows."""
    return migrations()[-1].id


def init_schema() -> str:
    """The whole schema as one documented file, for a FalkorDB without us."""
    return (_HERE / "init-schema.cypher").read_text()


async def migrate(graph: Graph, dimension: int) -> bool:
    """Bring the graph to the newest schema, with vectors of `dimension` numbers. True when something was done.

    Where the dimension is another than before, all vectors go and wait to be made anew. Raises ConfigError for a
    graph that a newer version wrote, or that holds two nodes with one id; StoreUnavailable.
    """
    applied = {row[0] for row in await graph.query("migrations_applied")}
    if newer := applied - {one.id for one in migrations()}:
        raise ConfigError(
            f"The graph has schema {max(newer)}, newer than this version's {newest()}: install the newer SecondMe."
        )
    missing = [one for one in migrations() if one.id not in applied]
    if missing:  # two MERGE at once make two nodes where FalkorDB has not yet seen the label
        await _unless(_THERE, graph.run("CREATE INDEX ON :Migration(id)"))
    for one in missing:
        await apply(graph, one, dimension)
    return await _fit(graph, dimension) or bool(missing)


async def apply(graph: Graph, migration: Migration, dimension: int) -> None:
    """Carry out one migration and remember it."""
    for statement in migration.statements:
        if found := _CONSTRAINT.fullmatch(statement):
            await _constrain(graph, *found.groups())
        else:
            more = {"dimension": dimension} if "$dimension" in statement else {}
            await _unless(_THERE, graph.run(statement, **more))
    await _constraints_hold(graph)
    await graph.query("migration_done", id=migration.id, at=datetime.now(UTC))


async def _constrain(graph: Graph, label: str, key: str) -> None:
    """FalkorDB makes constraints by a command of its own, and only where there is an index.

    One that failed is there no longer for that command: it is tried again.
    """
    await _unless(_THERE, graph.run(f"CREATE INDEX ON :{label}({key})"))
    where = (graph.name, "UNIQUE", "NODE", label, "PROPERTIES", "1", key)
    await _unless(_THERE, graph.command("GRAPH.CONSTRAINT", "CREATE", *where))


async def _constraints_hold(graph: Graph) -> None:
    """Wait until every constraint has looked at all nodes. Raises ConfigError where one found two of a kind."""
    ends = time.monotonic() + _LONGEST
    while True:
        states = {label: status for label, _, status in await graph.query("schema_constraints")}
        if failed := sorted(label for label, status in states.items() if status == "FAILED"):
            raise ConfigError(
                f"The graph holds several {' and '.join(failed)} nodes with one id. Find them with"
                f" `MATCH (n:{failed[0]}) WITH n.id AS id, count(*) AS times WHERE times > 1 RETURN id`, leave one of"
                " each, and run `secondme graph migrate` again."
            )
        if all(status == "OPERATIONAL" for status in states.values()):
            return
        if time.monotonic() > ends:
            raise StoreUnavailable("FalkorDB is still checking its constraints: start again in a while.")
        await asyncio.sleep(0.02)


async def _fit(graph: Graph, dimension: int) -> bool:
    """Give the vector indexes this many dimensions. True when one had others, or was missing."""
    has = {
        label: options["embedding"]["dimension"]
        for label, types, options in await graph.query("schema_indexes")
        if "VECTOR" in types.get("embedding", ())
    }
    made = {
        found[2]: found for one in migrations() for s in one.statements if (found := _VECTOR.fullmatch(s))
    }
    wrong = [label for label in made if has.get(label) != dimension]
    if not wrong:
        return False
    # The vectors first: what is left of the old indexes after a crash tells that this is not done.
    await graph.query("embeddings_void")
    for label in wrong:
        create = made[label]
        await _unless((_NOT_THERE,), graph.run(create[1].replace("CREATE", "DROP", 1)))
        await _unless(_THERE, graph.run(create[0], dimension=dimension))
    return True


async def _unless(said: tuple[str, ...], asked: Awaitable[Any]) -> None:
    """Ask, and take it as done where the server refuses because it is."""
    try:
        await asked
    except QueryRefused as error:
        if not any(words in str(error.__cause__) for words in said):
            raise
