"""Graphs of single tests on the real FalkorDB, and an independent client of them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest_asyncio
from falkordb.asyncio import FalkorDB  # type: ignore[import-untyped]
from redis.asyncio import BlockingConnectionPool

from secondme.embedded import Addresses
from secondme.stores.graph import Graph, schema

DIMENSION = 8

type Outsider = Callable[..., Awaitable[list[list[Any]]]]


@asynccontextmanager
async def a_graph(addresses: Addresses) -> AsyncIterator[Graph]:
    """A graph that nobody else has, until the block ends."""
    graph = Graph(addresses.falkordb_url or "", f"t_{uuid4().hex}")
    try:
        yield graph
    finally:
        await graph.run("RETURN 1")  # only what is there can be deleted
        await graph.command("GRAPH.DELETE", graph.name)
        await graph.close()


@pytest_asyncio.fixture
async def bare(addresses: Addresses) -> AsyncIterator[Graph]:
    """A graph of its own that holds nothing, not even a schema."""
    async with a_graph(addresses) as graph:
        yield graph


@pytest_asyncio.fixture
async def graph(bare: Graph) -> Graph:
    """A graph of its own with the newest schema, for vectors of `DIMENSION` numbers."""
    await schema.migrate(bare, DIMENSION)
    return bare


@pytest_asyncio.fixture
async def outsider(addresses: Addresses, graph: Graph) -> AsyncIterator[Outsider]:
    """Asks the same graph by FalkorDB's own client: a query's text, and its parameters. Returns the rows."""
    pool = BlockingConnectionPool.from_url(addresses.falkordb_url or "", decode_responses=True)
    theirs = FalkorDB(connection_pool=pool).select_graph(graph.name)

    async def ask(text: str, **parameters: Any) -> list[list[Any]]:
        rows: list[list[Any]] = (await theirs.query(text, parameters)).result_set
        return rows

    yield ask
    await pool.aclose()
