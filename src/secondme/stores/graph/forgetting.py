"""What a person may ask for: everything that the graph has of them, and that it has nothing any more."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import batched
from typing import Any

from secondme.domain.errors import NotFound, StoreUnavailable
from secondme.domain.fact import Fact, Forgotten
from secondme.stores.graph.asking import facts_of
from secondme.stores.graph.client import Graph
from secondme.stores.graph.learning import BATCH, settled, unlearn
from secondme.stores.rewriting import rewrite

_REWRITTEN = 300.0  # seconds that rewriting the files may take
_ENTITY = (
    *("id", "type", "name", "category", "occupation", "location", "industry"),
    *("date", "notes", "createdAt", "lastMentioned"),
)


async def forget_contact(graph: Graph, contact: str) -> Forgotten:
    """Take away what this contact told, what was said to them alone, what only that was about, and their node.

    What others told stays, also of them, and also what others told contacts with whom they were merged. When it
    returns the graph's files hold nothing of it. A second time finds nothing and rewrites the files again.
    """
    found = await graph.query("sources_of", contact=contact)
    sources, facts, entities = await unlearn(graph, (row[0] for row in found))
    await graph.query("forget_contact", contact=contact)
    return Forgotten(sources, facts, entities, await rewrite_files(graph))


async def forget_fact(graph: Graph, fact: str) -> Forgotten:
    """Take away one fact, as often as its teller said it, and whatever was named for it alone. Raises NotFound."""
    rows = await graph.query("forget_found", fact=fact)
    if not rows:
        raise NotFound("There is no such fact: `secondme facts CONTACT` lists them with their ids.")
    named = [{"source": source, "entities": names} for _, source, names, *_ in rows]
    steps = [("forget_names", {"rows": named}), ("forget_facts", {"ids": [row[0] for row in rows]})]
    after = settled(list({id for row in rows for id in row[2]}), [row[3:] for row in rows])
    answers = await graph.transaction([*steps, *after])
    return Forgotten(0, len(rows), answers[len(steps)][0][0], await rewrite_files(graph))


async def export_contact(graph: Graph, contact: str) -> dict[str, Any]:
    """Everything that the graph has of a contact, ready for JSON: who they are to it, the messages from which it
    learned something by them or for them alone, what those named, and all facts that they told or may hear."""
    node = await graph.query("export_contact", contact=contact)
    properties, groups, merged = node[0] if node else ({}, [], [])
    sources = await graph.query("sources_of", contact=contact)
    entities = [
        row
        for ids in batched((row[0] for row in sources), BATCH)
        for row in await graph.query("export_entities", ids=ids)
    ]
    return {
        "contact": _plain({"id": contact, **properties}),
        "groups": groups,
        "merged": merged,
        "sources": [
            _plain(dict(zip(("id", "teller", "audience", "at"), row, strict=True))) for row in sources
        ],
        "entities": list({row[0]: _plain(dict(zip(_ENTITY, row, strict=True))) for row in entities}.values()),
        "facts": [_fact(one) for one in await facts_of(graph, contact)],
    }


async def forget_questions(graph: Graph) -> None:
    """Empty the server's list of slow queries: it keeps their parameters, and recall asks with what was said.

    A server that is not ours may also keep them in a stream, which goes with it. Raises StoreUnavailable.
    """
    await graph.command("GRAPH.SLOWLOG", graph.name, "RESET")
    await graph.command("DEL", f"telemetry{{{graph.name}}}")


async def rewrite_files(graph: Graph) -> datetime:
    """Have the server write its files anew, from what there is now, and its slow log emptied: when that was done.

    Raises StoreUnavailable when the server cannot, or needs longer than five minutes.
    """
    await forget_questions(graph)
    try:
        async with asyncio.timeout(_REWRITTEN):
            if not await rewrite(graph.command):
                raise StoreUnavailable(
                    "FalkorDB could not rewrite its files: see its log, then forget again."
                )
    except TimeoutError as error:
        raise StoreUnavailable("FalkorDB is still rewriting its files: forget again in a while.") from error
    return datetime.now(UTC)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not there, and moments as text."""
    found = {name: value for name, value in values.items() if value is not None}
    return {name: v.isoformat() if isinstance(v, date) else v for name, v in found.items()}


def _fact(one: Fact) -> dict[str, Any]:
    kept = {name: value for name, value in asdict(one).items() if name != "closeness"}
    return _plain(kept)
