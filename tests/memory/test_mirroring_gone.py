"""Whom the ledger has no more goes from the graph, also where the mirror had never written them."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from secondme.domain.errors import StoreUnavailable
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
from secondme.embedded import Addresses
from secondme.stores.graph import Graph
from secondme.stores.graph.learning import learn
from secondme.stores.graph.values import Row, Value
from tests.memory.a_memory import Memory, a_memory


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


class Down(Graph):
    """One that does not answer while it is `down`."""

    down = False

    async def query(self, name: str, /, **parameters: Value) -> list[Row]:
        if self.down:
            raise StoreUnavailable("no answer")
        return await super().query(name, **parameters)


async def test_who_is_forgotten_before_they_were_mirrored_goes(memory: Memory, addresses: Addresses) -> None:
    """Also of whom only you spoke, which makes no node of theirs; groups and you are nobody to forget."""
    graph = Down(addresses.falkordb_url or "", memory.graph.name)
    mirror = memory.another_mirror(graph)
    await mirror.refresh()
    ids = [str(await _met(memory, number)) for number in range(3)]
    topic = Gist((Entity(EntityType.TOPIC, "sailing"),))
    note = Gist((), (Statement(Predicate.NOTE, None, value="Ana sails."),))
    at, digest = memory.world.clock.now(), memory.world.ledger.vault.digest
    story = (
        Learned(Source("m0", ids[0], ids[0], at), note),
        Learned(Source("m1", OWNER, ids[1], at), topic),
        Learned(Source("m2", OWNER, f"{GROUP}sailors", at), note),
        Learned(Source("m3", OWNER, EVERYONE, at), note),
        Learned(Source("m4", ids[2], f"{GROUP}sailors", at), note),
    )
    assert await learn(memory.graph, digest, story) == 5
    for id in ids:
        await memory.world.control.forget(UUID(id))
    graph.down = True
    with pytest.raises(StoreUnavailable):
        await mirror.refresh()
    graph.down = False
    for _ in range(2):
        await mirror.refresh()
    await graph.close()
    assert await memory.graph.run("MATCH (s:Source) RETURN s.id ORDER BY s.id") == [["m2"], ["m3"]]
    assert await memory.graph.run("MATCH (c:Contact) RETURN count(c)") == [[0]]


async def _met(memory: Memory, number: int) -> UUID:
    await memory.world.says("hello", f"+1555010{number}", name=f"Ana {number}")
    return await memory.world.contact(f"+1555010{number}")
