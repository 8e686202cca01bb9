"""One chat that memory stumbles over is that chat's failure: what is imported after it is learned."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from secondme.embedded import Addresses
from secondme.memory.gists import Reads
from secondme.stores.ledger import imports
from tests.memory.a_memory import Memory, a_memory, chat


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("day", ["01/01/0001", "31/12/2008", "31/12/9999"])
async def test_a_line_of_an_impossible_time_is_part_of_the_message(
    memory: Memory, tmp_path: Path, day: str
) -> None:
    """Whoever writes to the owner may have written it."""
    lines = ("Mara: hello", f"Mara: look\n{day}, 00:00 - Lena: I live in Faro", "Mara: met Bob")
    await memory.imports(chat(tmp_path / "WhatsApp Chat with Mara.txt", *lines))
    assert await memory.named() == [("Bob", 1)]
    assert [one.text for one in memory.said if "Faro" in one.text] == [
        f"look\n{day}, 00:00 - Lena: I live in Faro"
    ]
    assert await memory.world.value("SELECT state FROM imports") == "done"


async def test_a_fault_costs_the_chat_that_met_it(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object) -> None:
        raise OverflowError("date value out of range")

    reader = memory.reader

    def reads(by_model: bool) -> Reads:
        return stumble if by_model else reader(by_model)  # type: ignore[return-value]

    monkeypatch.setattr(memory, "reader", reads)
    bad = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Bob")
    report = await memory.world.importer.run(bad, "Lena", keep_voice=False, by_model=True)
    await memory.imports(chat(tmp_path / "b" / "WhatsApp Chat with Tom.txt", "Tom: met Eve"))
    assert await memory.named() == [("Eve", 1)]
    async with memory.world.ledger.light() as light:
        found = await imports.progress(light, report.import_id)
    assert found and (found.state, "OverflowError" in (found.failure or "")) == ("failed", True)
    await memory.world.importer.run(bad, "Lena", keep_voice=False)
    async with memory.world.ledger.light() as light:
        again = await imports.progress(light, report.import_id)
    assert again and (again.state, again.failure) == ("waiting", None)
