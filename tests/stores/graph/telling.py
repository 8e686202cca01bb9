"""Things to tell a graph, and the whole of a graph in a form that two can be compared in."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from secondme.domain.fact import (
    EVERYONE,
    GROUP,
    OWNER,
    Entity,
    EntityType,
    Gist,
    Learned,
    Predicate,
    Source,
    Statement,
)
from secondme.stores.graph import Graph

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIMBERS = f"{GROUP}climbers"


def digest(*parts: str) -> str:
    """As the vault's, without a key."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def person(name: str) -> Entity:
    return Entity(EntityType.PERSON, name)


def company(name: str) -> Entity:
    return Entity(EntityType.COMPANY, name)


def place(name: str) -> Entity:
    return Entity(EntityType.LOCATION, name)


def event(name: str, on: date | None = None) -> Entity:
    return Entity(EntityType.EVENT, name, on=on)


def lives(where: str, who: str | None = None, **more: Any) -> Statement:
    return Statement(Predicate.LIVES_IN, person(who) if who else None, place(where), **more)


def works(where: str | None, who: str | None = None, **more: Any) -> Statement:
    return Statement(
        Predicate.WORKS_AT, person(who) if who else None, company(where) if where else None, **more
    )


def told(
    id: str,
    *statements: Statement,
    by: str = "ana",
    to: str | None = None,
    at: float = 0,
    naming: Sequence[Entity] = (),
) -> Learned:
    """A message of `by`, in their own chat unless said otherwise, `at` minutes past NOON."""
    source = Source(id, by, to or by, NOON + timedelta(minutes=at))
    return Learned(source, Gist(tuple(naming), statements))


async def meet(graph: Graph, *contacts: str) -> None:
    """Contacts as the mirror writes them, called by their ids with a capital."""
    for contact in contacts:
        await graph.run(
            "MERGE (c:Contact {id: $id}) SET c.name = $name, c.phoneNumber = $id",
            id=contact,
            name=contact.title(),
        )


async def clear(graph: Graph) -> None:
    """Everything but the schema and everybody's group."""
    await graph.run("MATCH (n) WHERE NOT n:Migration AND NOT n.id = 'everyone' DETACH DELETE n")


async def dump(graph: Graph) -> tuple[list[str], list[str]]:
    """All nodes and all relationships; of lists only an embedding's order matters."""
    nodes = await graph.run("MATCH (n) WHERE NOT n:Migration RETURN labels(n), properties(n)")
    edges = await graph.run("MATCH (a)-[r]->(b) RETURN a.id, type(r), properties(r), b.id")
    return sorted(map(_plain, nodes)), sorted(map(_plain, edges))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        held = [(key, inner) for key, inner in value.items() if inner is not None]
        return repr(sorted((key, repr(v) if key == "embedding" else _plain(v)) for key, v in held))
    if isinstance(value, list):
        return repr(sorted(map(_plain, value)))
    return repr(value)


# Few names, few people and few moments: what is drawn collides all the time.
_NAMES = st.sampled_from(["Bob", "bob", "BOB", "Eve", "Acme", "Porto", "Lisbon"])
_ENTITIES = st.builds(
    Entity,
    st.sampled_from(EntityType),
    _NAMES,
    category=st.sampled_from([None, "Work", "Health", "Other"]),
    on=st.sampled_from([None, date(2026, 5, 1)]),
)
_STATEMENTS = st.builds(
    Statement,
    st.sampled_from(Predicate),
    st.none() | _ENTITIES,
    st.none() | _ENTITIES,
    value=st.sampled_from([None, "nurse", "pilot", "2026-05-01"]),
    holds=st.booleans(),
    since=st.sampled_from([None, date(2020, 1, 1), date(2026, 2, 1)]),
).map(lambda s: s if s.predicate is not Predicate.HAPPENS_ON else dated(s))
_TELLERS = st.sampled_from(
    [("ana", "ana"), ("ben", "ben"), ("ana", CLIMBERS), (OWNER, "ana"), (OWNER, EVERYONE)]
)


def dated(one: Statement) -> Statement:
    """With a date for a value, as the contract has it."""
    return Statement(
        one.predicate, one.subject, None, "2026-05-01" if one.holds else None, one.holds, one.since
    )


@st.composite
def stories(draw: st.DrawFn) -> list[Learned]:
    """Several messages of several people, among them some of one moment."""
    gists = draw(
        st.lists(
            st.builds(
                Gist, st.lists(_ENTITIES, max_size=2).map(tuple), st.lists(_STATEMENTS, max_size=3).map(tuple)
            ),
            min_size=1,
            max_size=9,
        )
    )
    return [
        Learned(Source(f"m{n}", *draw(_TELLERS), NOON + timedelta(minutes=draw(st.integers(0, 4)))), gist)
        for n, gist in enumerate(gists)
    ]
