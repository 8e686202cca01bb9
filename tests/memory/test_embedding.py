"""Vectors are made behind what was learned."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from secondme.domain.errors import MindFailed
from secondme.embedded import Addresses
from secondme.llm.embeddings import LexicalEmbedder
from secondme.memory.embedding import Embedding
from tests.memory.a_memory import Memory, a_memory
from tests.stores.graph.conftest import DIMENSION


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


class Failing(LexicalEmbedder):
    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise MindFailed("no")


async def left(memory: Memory) -> int:
    ((count,),) = await memory.graph.run("MATCH (n) WHERE n.pending RETURN count(n)")
    return int(count)


async def test_whatever_waits_gets_its_vector(memory: Memory) -> None:
    await memory.world.says("I live in Lisbon, and met Bob")
    await memory.learn()
    assert await left(memory) == 3  # two entities, one fact
    with pytest.raises(MindFailed):
        await Embedding(memory.graph, Failing(DIMENSION)).embed_once()
    assert await left(memory) == 3
    running = asyncio.create_task(Embedding(memory.graph, LexicalEmbedder(DIMENSION)).run())
    for _ in range(500):
        if not await left(memory):
            break
        await asyncio.sleep(0.02)
    running.cancel()
    rows = await memory.graph.run("MATCH (n) WHERE n.embedding IS NOT NULL RETURN count(n)")
    assert rows == [[3]]
    assert await Embedding(memory.graph, Failing(DIMENSION)).embed_once() == 0
