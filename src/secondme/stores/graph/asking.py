"""What the owner asks: everything that is known, with who said it and who may hear it. No prompt is made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from secondme.domain.errors import NotFound
from secondme.domain.fact import OWNER, Fact, Predicate
from secondme.stores.graph.client import Graph
from secondme.stores.graph.reading import fact
from secondme.stores.graph.shaping import Digest, self_id, words

_WIDER = 10  # times as many are asked of the index as are wanted


@dataclass(frozen=True, slots=True)
class Why:
    """A fact and what is behind it: what it ended, what ended it, and with whom the owner shared it.

    Source, teller, time and audience stand in the fact itself.
    """

    fact: Fact
    ended: tuple[Fact, ...]
    ended_by: Fact | None
    shared_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Something that was named. `type` is the graph's label; `tellers` are the ids of those who spoke of it."""

    id: str
    type: str
    name: str
    tellers: tuple[str, ...]


async def entities(graph: Graph, wanted: str) -> list[Named]:
    """What has this id, or bears this name, in anybody's world."""
    bare = words(wanted).strip() or None  # nobody's own person has any words
    rows = await graph.query("called", id=wanted.strip(), words=bare)
    return [Named(id, type, name, tuple(sorted(tellers))) for id, type, name, tellers in rows]


async def facts_of(graph: Graph, contact: str) -> list[Fact]:
    """What this contact told, and what they may hear: what holds first, then the last said first."""
    told = await graph.query("facts_told", contact=contact)
    audible = await graph.query("facts_audible", contact=contact)
    return await by_ids(graph, (row[0] for row in (*told, *audible)))


async def why(graph: Graph, fact_id: str) -> Why:
    """Where a fact comes from. Raises NotFound."""
    rows = await graph.query("why", fact=fact_id)
    if not rows:
        raise NotFound("There is no such fact: `secondme facts CONTACT` lists them with their ids.")
    ender, ended, shared = rows[0]
    found = {one.id: one for one in await by_ids(graph, [fact_id, *ended, *([ender] if ender else [])])}
    return Why(
        found[fact_id],
        tuple(found[id] for id in ended if id in found),
        found.get(ender),
        tuple(sorted(shared)),
    )


async def was_there(graph: Graph, fact_id: str, contact: str) -> bool:
    """Whether the contact heard a fact when it was said, alone or in a group. Raises NotFound."""
    found = await why(graph, fact_id)
    rows = await graph.query("export_contact", contact=contact)
    groups = rows[0][1] if rows else []
    return not {contact, *groups}.isdisjoint(set(found.fact.audience) - set(found.shared_with))


async def stated(graph: Graph, predicate: Predicate | None, name: str) -> list[Fact]:
    """Facts in which something is said of `name` by others' names: who works at it, lives in it, knows them.

    Of all tellers, and of all that the owner merged with what bears the name. None is every predicate.
    """
    return await _about(graph, "facts_with_object", predicate, name)


async def about(graph: Graph, predicate: Predicate | None, name: str) -> list[Fact]:
    """Facts whose subject bears the name: where they work, what they do. As `stated`."""
    return await _about(graph, "facts_with_subject", predicate, name)


async def of_owner(graph: Graph, digest: Digest, predicate: Predicate | None) -> list[Fact]:
    """What the owner said of themselves, whom no name finds. As `stated`."""
    rows = await graph.query("facts_with_subject", ids=[self_id(digest, OWNER)], predicate=predicate)
    return await by_ids(graph, (row[0] for row in rows))


async def search(graph: Graph, vector: Sequence[float], limit: int = 20) -> list[Fact]:
    """The facts nearest in meaning, of all tellers, the nearest first."""
    rows = await graph.query("search_facts", vector=vector, wide=limit * _WIDER, limit=limit)
    closeness: dict[str, float] = {id: near for id, near in rows}
    found = [replace(one, closeness=closeness[one.id]) for one in await by_ids(graph, closeness)]
    return sorted(found, key=lambda one: -one.closeness)


async def _about(graph: Graph, query: str, predicate: Predicate | None, name: str) -> list[Fact]:
    bare = words(name).strip()
    named = await graph.query("named", words=bare) if bare else []
    contacts = await graph.query("named_contacts", name=name.strip().lower())
    ids = list({row[0] for row in (*named, *contacts)})
    rows = await graph.query(query, ids=ids, predicate=predicate)
    return await by_ids(graph, (row[0] for row in rows))


async def by_ids(graph: Graph, ids: Iterable[str]) -> list[Fact]:
    """These facts, with who may hear them; what is forgotten is absent."""
    rows = await graph.query("facts", ids=list(set(ids)))
    return [fact(row, audience=tuple(sorted(row[-1]))) for row in rows]
