"""What a Turn is given: facts that its contact may hear, the most useful first, within a budget and in time."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from secondme.domain.errors import MindFailed
from secondme.domain.fact import OWNER, Fact, Predicate
from secondme.domain.message import Line
from secondme.domain.turn import Turn
from secondme.embedded import Addresses
from secondme.llm.embeddings import LexicalEmbedder
from secondme.memory.hearing import Hearing
from secondme.pipeline.recall import useful, within
from secondme.profiles import PROFILES
from secondme.stores.graph import Graph, schema
from secondme.stores.graph.embedding import embed, unembedded
from secondme.stores.graph.learning import learn
from secondme.stores.ledger import reading
from tests.llm.turns import NOW, examples, turn
from tests.stores.graph.conftest import a_graph
from tests.stores.graph.telling import digest, lives, told, works
from tests.support.world import World

DIMENSION = 256  # few enough, and letters still fall apart
CONTACT = turn("Hi").contact.id


def fact(text: str, closeness: float = 0.0, days: float = 0, **more: Any) -> Fact:
    at = NOW - timedelta(days=days)
    teller = more.pop("by", "somebody")
    return Fact(
        f"fact_{text}", Predicate.NOTE, text, teller, "s", at, at, None, 1.0, closeness=closeness, **more
    )


def order(*facts: Fact) -> list[str]:
    return [one.text for one in useful(facts, turn("Hi"))]


def test_what_is_close_comes_first_then_what_is_new_and_their_own() -> None:
    assert order(fact("far"), fact("near", 0.9), fact("nearer", 1.0)) == ["nearer", "near", "far"]
    assert order(fact("old", days=300), fact("new", days=1)) == ["new", "old"]
    assert order(fact("another's"), fact("theirs", by=str(CONTACT))) == ["theirs", "another's"]
    ended = replace(fact("ended", 0.6), valid_to=NOW)
    assert order(ended, fact("holds", 0.2)) == ["holds", "ended"]


def test_of_what_is_not_close_only_a_little_is_told() -> None:
    assert len(order(*(fact(f"{n}") for n in range(30)))) == 4
    assert len(order(*(fact(f"{n}", 0.3) for n in range(30)))) == 12
    silent = turn("Hi", profile="journal")
    assert useful([fact("a", 1.0)], silent) == ()


def filled(tokens: int, **more: Any) -> Turn:
    found = turn("Hi", **more)
    profile = replace(found.account.profile, recall_tokens=tokens)
    return within(replace(found, account=replace(found.account, profile=profile)))


def test_the_window_goes_first_then_facts_then_examples() -> None:
    """A token is three characters, each item takes thirty more, and the window has seven tenths at the most."""
    window = tuple(Line(True, f"{n} " + "x" * 68, NOW) for n in range(10))
    facts = tuple(fact("y" * 70 + str(n)) for n in range(10))
    more: dict[str, Any] = {"window": window, "facts": facts, "examples": examples(*("z" * 70,) * 10)}
    kept = filled(500, **more)
    assert kept.window == window[-10:][-len(kept.window) :]
    assert (len(kept.window), len(kept.facts), len(kept.examples)) == (10, 4, 0)
    kept = filled(200, **more)
    assert (kept.window, len(kept.facts), len(kept.examples)) == (window[-4:], 1, 0)
    kept = filled(1000, **more)
    assert (len(kept.window), len(kept.facts), len(kept.examples)) == (10, 10, 9)
    assert filled(0, **more).window == ()


def test_one_endless_line_does_not_push_out_the_rest() -> None:
    window = (Line(True, "before", NOW), Line(True, "x" * 20_000, NOW))
    assert within(turn("Hi", window=window)).window == window


class Slow:
    """An embedder that takes its time, and may fail."""

    name = "slow"
    dimension = DIMENSION

    def __init__(self, seconds: float = 0.0, fails: bool = False) -> None:
        self.asked: list[str] = []
        self.seconds = seconds
        self._fails = fails
        self._lexical = LexicalEmbedder(DIMENSION)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked += texts
        await asyncio.sleep(self.seconds)
        if self._fails:
            raise MindFailed("It is not there.")
        return await self._lexical.embed(texts)

    async def close(self) -> None: ...


@asynccontextmanager
async def a_silent_server() -> AsyncIterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


@pytest_asyncio.fixture
async def graph(addresses: Addresses) -> AsyncIterator[Graph]:
    async with a_graph(addresses) as found:
        await schema.migrate(found, DIMENSION)
        yield found


async def teach(graph: Graph, contact: str) -> None:
    said = [
        told("a", works("Acme", "Bob"), by=contact),
        told("b", lives("Oslo", "Zoe"), by=OWNER, to=contact),
        told("c", lives("Rome", "Eve"), by=OWNER, to="another"),
    ]
    await learn(graph, digest, said)
    waiting = await unembedded(graph)
    vectors = await LexicalEmbedder(DIMENSION).embed([text for _, text in waiting])
    await embed(graph, zip([id for id, _ in waiting], vectors, strict=True))


async def test_by_name_and_by_vector_and_never_anothers(graph: Graph) -> None:
    await teach(graph, str(CONTACT))
    hearing = Hearing(graph, Slow())
    by_name = await hearing.heard_by(CONTACT, ["and how is he?"], ["I met Bob", "nice"])
    assert [(f.text, f.closeness == 1) for f in by_name] == [
        ("Bob works at Acme", True),
        ("Zoe lives in Oslo", False),
    ]
    by_vector = await hearing.heard_by(CONTACT, ["living in Osl"], [])
    assert by_vector[0].text == "Zoe lives in Oslo"
    assert by_vector[0].closeness > 0.2


async def test_a_vector_is_made_once_and_waited_for_a_moment_only(graph: Graph) -> None:
    await teach(graph, str(CONTACT))
    embedder = Slow(0.2)
    hearing = Hearing(graph, embedder, embeds_within=0.05)
    (first, *_) = await hearing.heard_by(CONTACT, ["living in Osl"], [])
    assert first.closeness == 0
    await asyncio.gather(*hearing._embedding)
    for _ in range(2):
        (again, *_) = await hearing.heard_by(CONTACT, ["living in Osl"], [])
        assert again.closeness > 0.2
    assert embedder.asked == ["living in Osl"]


async def test_without_an_embedder_names_decide(graph: Graph) -> None:
    await teach(graph, str(CONTACT))
    found = await Hearing(graph, Slow(fails=True)).heard_by(CONTACT, ["Zoe?"], [])
    assert [f.text for f in found] == ["Zoe lives in Oslo", "Bob works at Acme"]


async def test_a_graph_that_hangs_costs_a_second_and_then_nothing(tmp_path: Path) -> None:
    async with a_silent_server() as url:
        graph = Graph(url)
        hearing = Hearing(graph, Slow())
        begun = time.monotonic()
        assert list(await hearing.heard_by(CONTACT, ["Bob?"], [])) == []
        assert time.monotonic() - begun < 1.0
        await asyncio.gather(*(hearing.heard_by(CONTACT, ["Bob?"], []) for _ in range(6)))
        assert hearing.gate.state() == "closed"  # one contact's facts may be too many
        await asyncio.gather(*(hearing.heard_by(uuid4(), ["Bob?"], []) for _ in range(4)))
        assert hearing.gate.state() == "open"  # which /health shows
        begun = time.monotonic()
        assert list(await hearing.heard_by(CONTACT, ["Bob?"], [])) == []
        assert time.monotonic() - begun < 0.1
        await graph.close()


@pytest.mark.parametrize("up", [True, False])
async def test_a_reply_with_and_without_the_graph(
    addresses: Addresses, template: str, tmp_path: Path, graph: Graph, up: bool
) -> None:
    """The facts reach the mind and, by their ids, the receipt; without the graph the reply comes all the same."""
    used = graph if up else Graph("redis://127.0.0.1:1")
    async with World.open(addresses, template, tmp_path, memory=Hearing(used, Slow())) as world:
        await world.says("hello")
        await world.settled()
        contact = await world.contact()
        await teach(graph, str(contact))
        asked = await world.says("how is Bob?")
        await world.settled()
        assert world.phones.texts() == ["re: hello", "re: how is Bob?"]
        given = world.mind.asked[-1]
        assert [f.text for f in given.facts] == (["Bob works at Acme", "Zoe lives in Oslo"] if up else [])
        async with world.ledger.transaction() as tx:
            why = await reading.why(tx, world.ledger.vault, asked or contact)
        assert why is not None
        assert [f["id"] for f in why["facts"]] == [f.id for f in given.facts]
        assert (len(why["window"]), why["windowLines"]) == (1, 2)
        assert "Acme" not in str(why)
    if not up:
        await used.close()


class Known:
    """A memory of thirty facts that have nothing to do with anything."""

    async def heard_by(self, contact: UUID, asked: Sequence[str], before: Sequence[str]) -> list[Fact]:
        return [fact(f"Bob likes tea {n:02}") for n in range(30)]


@pytest.mark.parametrize(("tokens", "shown"), [(5_500, (2, 4)), (60, (2, 2)), (30, (1, 1))])
async def test_a_mind_is_shown_what_is_useful_and_fits(
    addresses: Addresses, template: str, tmp_path: Path, tokens: int, shown: tuple[int, int]
) -> None:
    profile = replace(
        PROFILES["clone"], debounce=timedelta(0), recall_tokens=tokens, new_contacts_enabled=True
    )
    profiles = {"main": profile}
    async with World.open(addresses, template, tmp_path, profiles=profiles, memory=Known()) as world:
        for text in ("hello", "well?"):
            await world.says(text)
            await world.settled()
        given = world.mind.asked[-1]
        assert (len(given.window), len(given.facts)) == shown
