"""What the owner calls somebody, and their number, are heard by nobody: a label is for its owner."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from secondme.embedded import Addresses
from secondme.stores.graph import sharing
from secondme.stores.graph.hearing import heard_by
from tests.memory.a_memory import Memory, a_memory, chat

TOM, ANA, NAMELESS = "+15550101", "+15550102", "+15550103"


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


async def hears(memory: Memory, contact: str) -> set[str]:
    return {fact.text for fact in await heard_by(memory.graph, contact, "")}


async def test_of_an_import_nobody_hears_the_owners_name_for_somebody(memory: Memory, tmp_path: Path) -> None:
    await memory.world.says("hi", TOM, name="Tom")
    tom = str(await memory.world.contact(TOM))
    path = chat(tmp_path / "WhatsApp Chat with Club.txt", "Tom Awful Landlord: I live in Lisbon", "Mum: hm")
    await memory.imports(path)
    rows = await memory.graph.run("MATCH (c:Contact)-[:MEMBER_OF]->(:Group) RETURN c.name, c.id")
    called = {name: id_ for name, id_ in rows}
    assert await hears(memory, called["Mum"]) == {"Somebody lives in Lisbon"}
    await sharing.merge(memory.graph, tom, called["Tom Awful Landlord"])
    assert await hears(memory, tom) == {"This contact lives in Lisbon"}


async def test_who_writes_is_called_as_they_call_themselves(memory: Memory) -> None:
    """And by no number, where they do not say."""
    await memory.world.says("I live in Porto", ANA, name="Ana")
    await memory.world.says("I live in Faro", NAMELESS, name="")
    ana, nameless = [str(await memory.world.contact(number)) for number in (ANA, NAMELESS)]
    await memory.learn()
    await memory.mirror.refresh()
    assert await hears(memory, ana) == {"Ana lives in Porto"}
    assert await hears(memory, nameless) == {"This contact lives in Faro"}
    for fact in (*await heard_by(memory.graph, ana, ""), *await heard_by(memory.graph, nameless, "")):
        await sharing.share(memory.graph, fact.id, "everyone")
    assert await hears(memory, ana) == {"Ana lives in Porto", "Somebody lives in Faro"}
    assert await hears(memory, nameless) == {"Ana lives in Porto", "This contact lives in Faro"}
