"""Taking in what messages say, and taking it back. The graph that results depends on which messages it has learned,
never on their order nor on how often it was told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched
from random import random

from secondme.domain.fact import OWNER, Learned, Predicate
from secondme.stores.graph.client import Graph
from secondme.stores.graph.shaping import Digest, Item, shape
from secondme.stores.graph.values import Value

type Step = tuple[str, Mapping[str, Value]]
type Chain = tuple[str, str, str, str | None]  # a fact's key, predicate, subject and object

BATCH = 500  # sources in one transaction: others wait meanwhile
_FOLDED = 50  # after one source in so many what is new is joined to the rest


async def learn(graph: Graph, digest: Digest, batch: Iterable[Learned]) -> int:
    """Take in what these messages say. A source that the graph has already changes nothing.

    Returns how many sources were new. Each `BATCH` of them is in the graph as a whole or not at all.
    """
    new = 0
    for part in batched(batch, BATCH):
        answers = await graph.transaction(_learning(shape(digest, part)))
        new += answers[0][0][0]
        if random() < len(part) / _FOLDED:
            await graph.query("fold")
    return new


async def unlearn(graph: Graph, sources: Iterable[str]) -> tuple[int, int, int]:
    """Take back what these messages said: as if they had never been learned.

    Returns how many sources, facts and entities went.
    """
    gone = (0, 0, 0)
    for ids in batched(sources, BATCH):
        found = await graph.query("unlearn_found", ids=ids)
        entities = list({id for names, _ in found for id in names})
        stated = [fact for _, facts in found for fact in facts if fact[0] is not None]
        steps = [
            ("unlearn_sources", {"ids": ids}),
            ("unlearn_facts", {"ids": ids}),
            *settled(entities, stated),
        ]
        (s,), (f,), (e,) = (rows[0] for rows in (await graph.transaction(steps))[:3])
        gone = (gone[0] + s, gone[1] + f, gone[2] + e)
    return gone


def settled(entities: Sequence[str], stated: Sequence[Sequence[str]]) -> list[Step]:
    """What follows when something is taken away: the steps that leave `entities`, and the chains of the facts that
    were `stated` (each its key, predicate, subject, object and place), as if it had never been there.

    The first of them returns how many entities went.
    """
    keys, places = list({fact[0] for fact in stated}), [fact[4] for fact in stated]
    gone = [
        {"predicate": predicate, "subject": subject, "object": object}
        for _, predicate, subject, object, _ in stated
    ]
    return [
        ("unlearn_orphans", {"ids": entities}),
        ("unlearn_names", {"ids": entities}),
        ("reopen", {"keys": keys, "places": places}),
        ("settle", {"keys": keys}),
        ("unlearn_relationships", {"facts": [fact for fact in gone if fact["object"]]}),
        *_current([(key, predicate, subject, object) for key, predicate, subject, object, _ in stated]),
    ]


def _learning(rows: Sequence[Item]) -> list[Step]:
    """What follows the first step brings the graph in line with itself, whether that step found anything new or not."""
    steps: list[Step] = [("learn", {"rows": rows}), *_named(rows)]
    group = [
        {"id": f["id"], "group": row["audience"]} for row in rows if not row["contact"] for f in row["facts"]
    ]
    if group:
        steps.append(("learn_group", {"facts": group}))
    facts = [fact for row in rows for fact in row["facts"]]
    if facts:
        steps.append(("settle", {"keys": list({fact["key"] for fact in facts})}))
    return [*steps, *_current([(f["key"], f["predicate"], f["subject"], f["object"]) for f in facts])]


def _named(rows: Sequence[Item]) -> Iterator[Step]:
    """Make of each entity what it is, and a contact's own person theirs."""
    by_kind: dict[str, dict[str, Item]] = {}
    for row in rows:
        for name in row["names"]:
            kind = "self" if name["self"] and row["teller"] != OWNER else name["type"]
            by_kind.setdefault(kind, {})[name["id"]] = {"id": name["id"], "teller": row["teller"]}
    for kind, names in by_kind.items():
        yield f"named_{kind}", {"names": list(names.values())}


def _current(chains: Iterable[Chain]) -> Iterator[Step]:
    """Bring what the documented model says of today in line with the facts of these chains."""
    by_predicate: dict[Predicate, dict[str, Item]] = {}
    for key, predicate, subject, object in chains:
        row = {"key": key, "subject": subject, "object": object}
        by_predicate.setdefault(Predicate(predicate), {})[key] = row
    for predicate, rows in by_predicate.items():
        yield f"current_{predicate.lower()}", {"chains": list(rows.values())}
        if predicate is Predicate.ATTENDED:
            yield "owner_attended", {"events": [row["object"] for row in rows.values() if row["object"]]}
