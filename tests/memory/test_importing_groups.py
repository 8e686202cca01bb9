"""A group's chat is heard by those who were in it, and by nobody whose group has the same name."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from secondme.embedded import Addresses
from secondme.stores.graph.hearing import heard_by
from tests.memory.a_memory import Memory, a_memory, chat

FAMILY = "WhatsApp Chat with Family.txt"
LINES = ("Mum: I live in Lisbon", "Dad: met Bob", "Mum: hello", "Dad: good", "Mum: met Eve")


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


async def hear(memory: Memory) -> dict[str, int]:
    """By name, how many facts each member of a group may hear."""
    rows = await memory.graph.run("MATCH (c:Contact)-[:MEMBER_OF]->(:Group) RETURN DISTINCT c.name, c.id")
    return {name: len(await heard_by(memory.graph, id_, "")) for name, id_ in rows}


async def groups(memory: Memory) -> int:
    ((count,),) = await memory.graph.run("MATCH (:Contact)-[:MEMBER_OF]->(g:Group) RETURN count(DISTINCT g)")
    return int(count)


@pytest.mark.parametrize("alike", [0, 4])
async def test_two_groups_of_one_name_are_two(memory: Memory, tmp_path: Path, alike: int) -> None:
    """Also where somebody is in both, and says the same in both, and where a member has given theirs that name."""
    other = (*LINES[:alike], "Mallory: hi there", "Eve: met Ada", "Mallory: hm", "Eve: so", "Mallory: well")
    await memory.imports(chat(tmp_path / "a" / FAMILY, *LINES))
    await memory.imports(chat(tmp_path / "b" / FAMILY, *other))
    heard = await hear(memory)
    assert (heard["Dad"], await groups(memory)) == (1, 2)
    if not alike:  # else Mum and Dad said it there as well
        assert (heard["Mallory"], heard["Eve"]) == (0, 0)


async def test_two_short_chats_of_one_name_are_two(memory: Memory, tmp_path: Path) -> None:
    await memory.imports(chat(tmp_path / "a" / FAMILY, *LINES[:2]))
    await memory.imports(chat(tmp_path / "b" / FAMILY, "Mallory: hi there", "Eve: met Ada"))
    assert await hear(memory) == {"Mum": 1, "Dad": 1, "Mallory": 0, "Eve": 0}


async def test_a_longer_export_of_a_group_is_the_same_group(memory: Memory, tmp_path: Path) -> None:
    """And who came later hears what was said before, as those do who are added to a group by the owner."""
    await memory.imports(chat(tmp_path / "a" / FAMILY, *LINES))
    later = chat(tmp_path / "b" / FAMILY, *LINES, "Lena: welcome", "Zoe: I live in Rome")
    await memory.imports(later)
    assert (await groups(memory), await memory.named()) == (1, [("Bob", 1), ("Eve", 1)])
    assert await hear(memory) == {"Mum": 2, "Dad": 2, "Zoe": 2}
    await memory.imports(later)
    assert (await groups(memory), await memory.named()) == (1, [("Bob", 1), ("Eve", 1)])
