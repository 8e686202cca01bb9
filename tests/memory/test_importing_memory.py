"""An imported chat becomes memory: whole, once, of the right people, and sealed until then."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from secondme.domain.errors import Ambiguous, Invalid, NotFound, StoreUnavailable
from secondme.domain.fact import OWNER
from secondme.embedded import Addresses
from secondme.stores.graph import Graph
from secondme.stores.graph.client import QueryRefused
from secondme.stores.graph.values import Row, Value
from secondme.stores.ledger import imports
from secondme.stores.ledger.imports import Progress
from tests.memory.a_memory import Memory, a_memory, chat

ANA = "+15550100"


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


def sealed(memory: Memory) -> list[Path]:
    folder = memory.world.folder / "imports"
    return sorted(folder.iterdir()) if folder.exists() else []


async def standing(memory: Memory) -> Progress:
    id_ = await memory.world.value("SELECT id FROM imports ORDER BY created_at DESC LIMIT 1")
    async with memory.world.ledger.light() as light:
        found = await imports.progress(light, id_)
    assert found
    return found


async def test_a_chat_of_two(memory: Memory, tmp_path: Path) -> None:
    path = chat(
        tmp_path / "WhatsApp Chat with Mara.txt", "Mara: I live in Lisbon, met Bob", "Lena: I live in Porto"
    )
    report = await memory.imports(path)
    mara = str(report.partner)
    assert await memory.facts() == [[mara, mara, "Lisbon", True], [OWNER, mara, "Porto", True]]
    assert await memory.named() == [("Bob", 1)]
    assert (report.remembers, report.linked) == (14, False)
    assert await standing(memory) == Progress("done", 14, 14, 5)  # two selves, two places, Bob
    assert await memory.graph.run(
        "MATCH (:User)-[:HAS_CONTACT]->(c:Contact {id: $id}) RETURN c.name, c.phoneNumber, c.botEnabled",
        id=mara,
    ) == [["Mara", "", False]]
    assert sealed(memory) == []


async def test_the_owners_clock_is_the_chats(memory: Memory, tmp_path: Path) -> None:
    await memory.imports(chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Bob"))
    assert memory.said[-1].at.isoformat() == "2026-01-30T09:12:00+05:30"
    assert await memory.graph.run("MATCH (s:Source) RETURN toString(s.at)") == [["2026-01-30T03:42:00"]]


async def test_until_then_it_lies_sealed(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: I live in CANARY")
    await memory.world.importer.run(path, "Lena", keep_voice=False)
    (file,) = sealed(memory)
    assert b"CANARY" not in file.read_bytes()
    assert "CANARY" not in file.name
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = await memory.world.value("SELECT i::text FROM imports i")
    assert "Mara" not in found
    while await memory.import_worker().work_once():
        pass
    row = await memory.world.value("SELECT coalesce(file_key, tellers) IS NULL FROM imports")
    assert (row, sealed(memory)) == (True, [])


async def test_chats_that_overlap_count_once(memory: Memory, tmp_path: Path) -> None:
    lines = ["Mara: met Bob", "Lena: ok", "Mara: met Bob", "Mara: met Eve"]
    await memory.imports(chat(tmp_path / "a" / "WhatsApp Chat with Mara.txt", *lines))
    await memory.imports(
        chat(tmp_path / "b" / "WhatsApp Chat with Mara.txt", *lines, "Mara: met Eve", "Mara: met Ada")
    )
    assert await memory.named() == [("Ada", 1), ("Bob", 2), ("Eve", 2)]
    await memory.imports(tmp_path / "a" / "WhatsApp Chat with Mara.txt")
    assert await memory.named() == [("Ada", 1), ("Bob", 2), ("Eve", 2)]
    assert await memory.world.value("SELECT count(*) FROM contacts") == 1


async def test_the_same_words_twice_in_a_minute_are_two(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Bob")
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")
    await memory.imports(path)
    assert await memory.named() == [("Bob", 2)]


async def test_a_number_that_we_know_is_that_contact(memory: Memory, tmp_path: Path) -> None:
    await memory.world.says("hello")
    contact = str(await memory.world.contact())
    report = await memory.imports(chat(tmp_path / "WhatsApp Chat with Ana.txt", "+1 555-0100: met Bob"))
    assert (str(report.partner), report.linked) == (contact, True)
    assert await memory.graph.run("MATCH (c:Contact)-[:MENTIONED]->(p:Person) RETURN c.id, p.name") == [
        [contact, "Bob"]
    ]


async def test_a_name_links_to_nobody_unless_the_owner_says_so(memory: Memory, tmp_path: Path) -> None:
    await memory.world.says("hello", name="Ana")
    ana = await memory.world.contact()
    report = await memory.imports(chat(tmp_path / "WhatsApp Chat with Ana.txt", "Ana: met Bob"))
    assert report.partner != ana
    report = await memory.imports(
        chat(tmp_path / "b" / "WhatsApp Chat with Ana.txt", "Ana: met Eve"), whom=ana
    )
    assert report.partner == ana
    assert await memory.graph.run(
        "MATCH (c:Contact {id: $id})-[:MENTIONED]->(p:Person) RETURN p.name", id=str(ana)
    ) == [["Eve"]]


async def test_a_group(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Climbers.txt", "Mara: I live in Lisbon", "Tom: met Bob")
    with pytest.raises(Invalid, match="several"):
        await memory.imports(path, whom=await memory.world.says("hi") and await memory.world.contact())
    assert (await memory.world.value("SELECT count(*) FROM imports"), sealed(memory)) == (0, [])
    assert (await memory.imports(path)).partner is None
    ((mara, group, place, _),) = await memory.facts()
    assert (group[:6], place) == ("group:", "Lisbon")
    members = await memory.graph.run(
        "MATCH (c:Contact)-[:MEMBER_OF]->(:Group {id: $group}) RETURN c.name, c.id ORDER BY c.name",
        group=group,
    )
    assert [name for name, _ in members] == ["Mara", "Tom"]
    assert members[0][1] == mara


async def test_who_was_forgotten_meanwhile_is_left_out(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Climbers.txt", "Mara: met Eve", "Tom: met Bob")
    await memory.world.importer.run(path, "Lena", keep_voice=False)
    async with memory.world.ledger.transaction() as tx:
        mara = (
            await imports.authors(tx, memory.world.ledger.vault, {"Mara": "mara"}, memory.world.clock.now())
        )["Mara"]
        await tx.execute("DELETE FROM contacts WHERE id = $1", mara)
    assert await memory.import_worker().work_once()
    assert await memory.named() == [("Bob", 1)]
    assert await memory.graph.run("MATCH (c:Contact) RETURN c.name") == [["Tom"]]


async def test_a_chat_that_was_forgotten_or_cannot_be_opened(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Eve")
    report = await memory.world.importer.run(path, "Lena", keep_voice=False)
    await memory.run(f"DELETE FROM contacts WHERE id = '{report.partner}'")
    assert await memory.import_worker().work_once()
    assert await memory.named() == []
    await memory.world.importer.run(path, "Lena", keep_voice=False)
    (file, *_) = sorted(sealed(memory), key=lambda one: -one.stat().st_mtime_ns)
    file.write_bytes(b"\0\0\0\x20" + bytes(32))
    assert await memory.import_worker().work_once()
    assert (await memory.named(), (await standing(memory)).state) == ([], "failed")
    await memory.world.importer.run(path, "Lena", keep_voice=False)
    for file in sealed(memory):
        file.unlink()
    worker = memory.import_worker()
    assert [await worker.work_once() for _ in range(2)] == [
        True,
        False,
    ]  # it may lie where another worker runs
    assert (await standing(memory)).state == "waiting"


async def test_who_writes_is_not_hidden_by_an_import_of_the_same_name(memory: Memory, tmp_path: Path) -> None:
    """In an import a name is the address: either could be meant, and either may be erased."""
    await memory.world.says("hello", name="Mara Ruiz")
    path = chat(tmp_path / "WhatsApp Chat with Mara Ruiz.txt", "Mara Ruiz: met Eve")
    report = await memory.world.importer.run(path, "Lena", keep_voice=False)
    for wanted in ("Mara Ruiz", "mara ruiz", "Mara"):
        with pytest.raises(Ambiguous) as refused:
            await memory.world.control.find(wanted, imported=True)
        assert f"{report.partner}" in str(refused.value) and "+15550100" in str(refused.value)
    with pytest.raises(NotFound):
        await memory.world.control.find("", imported=True)
    (live,) = await memory.world.control.find("Mara Ruiz")
    assert live.address == "+15550100"


async def test_forgetting_who_is_known_from_an_import(memory: Memory, tmp_path: Path) -> None:
    path = chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Eve")
    report = await memory.world.importer.run(path, "Lena", keep_voice=False)
    with pytest.raises(NotFound):
        await memory.world.control.find("Mara")
    (mara,) = await memory.world.control.find("Mara", imported=True)
    assert (mara.id, mara.imported, mara.enabled, mara.name) == (report.partner, True, False, "Mara")
    assert (await memory.world.control.export(mara.id))["messages"] == {}
    await memory.world.control.forget(mara.id)
    assert (
        await memory.world.value("SELECT count(*) FROM imports") == 0
    )  # and with it the key of what lay sealed
    assert not await memory.import_worker().work_once()
    assert (sealed(memory), await memory.named()) == ([], [])


class Weak(Graph):
    """One that breaks off, or refuses whatever is about Bob."""

    left = 1_000

    async def transaction(self, steps: Sequence[tuple[str, Mapping[str, Value]]]) -> list[list[Row]]:
        if "Bob" in str(steps):
            raise QueryRefused("no")
        if (left := self.left) <= 0:
            raise StoreUnavailable("gone")
        self.left = left - 1
        return await super().transaction(steps)


async def test_it_goes_on_after_the_last_chunk(memory: Memory, addresses: Addresses, tmp_path: Path) -> None:
    lines = [f"Mara: met Friend{n}" for n in range(2_500)]
    await memory.world.importer.run(
        chat(tmp_path / "WhatsApp Chat with Mara.txt", *lines), "Lena", keep_voice=False
    )
    weak = Weak(addresses.falkordb_url or "", memory.graph.name)
    weak.left = 3  # of them two make a chunk
    with pytest.raises(StoreUnavailable):
        await memory.import_worker(weak).work_once()
    await weak.close()
    assert (await standing(memory)) == Progress("waiting", 2_512, 1_000, 0)
    memory.said.clear()
    assert await memory.import_worker().work_once()
    assert (len(memory.said), len(await memory.named())) == (1_512, 2_500)
    assert (await standing(memory)) == Progress("done", 2_512, 2_512, 2_500)


async def test_what_the_graph_refuses_costs_itself(
    memory: Memory, addresses: Addresses, tmp_path: Path
) -> None:
    await memory.world.importer.run(
        chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Bob", "Mara: met Eve"),
        "Lena",
        keep_voice=False,
    )
    weak = Weak(addresses.falkordb_url or "", memory.graph.name)
    assert await memory.import_worker(weak).work_once()
    await weak.close()
    assert await memory.named() == [("Eve", 1)]


async def test_one_at_a_time_and_a_model_only_where_it_may(memory: Memory, tmp_path: Path) -> None:
    for number, by_model in enumerate((False, True)):
        path = chat(tmp_path / f"WhatsApp Chat with P{number}.txt", f"P{number}: met Bob{number}")
        await memory.world.importer.run(path, "Lena", keep_voice=False, by_model=by_model)
    workers = [memory.import_worker() for _ in range(3)]
    assert sorted(await asyncio.gather(*(worker.work_once() for worker in workers))) == [False, False, True]
    assert await workers[0].work_once()
    assert (set(memory.by_model[:1]), set(memory.by_model[1:])) == ({False}, {True})


async def test_what_is_told(memory: Memory, addresses: Addresses, tmp_path: Path) -> None:
    heard: list[Any] = []
    async with (
        Redis.from_url(addresses.redis_url or "", decode_responses=True) as redis,
        redis.pubsub() as news,
    ):
        await news.subscribe("events:imports")
        report = await memory.imports(chat(tmp_path / "WhatsApp Chat with Mara.txt", "Mara: met Bob"))
        while not heard:
            heard += [m["data"] for m in [await news.get_message(timeout=2)] if m and m["type"] == "message"]
        entries: Any = await redis.xrange("QUEUE:chat_history")
    ((_, entry),) = entries
    assert entry["content"] == f"import:{report.import_id}#0-13"
    assert f'"importId":"{report.import_id}","total":13,"done":13,"entities":1' in heard[0]
    assert "Bob" not in heard[0]


async def test_of_one_minute_the_later_line_is_the_later_word(memory: Memory, tmp_path: Path) -> None:
    path, places = tmp_path / "WhatsApp Chat with Mara.txt", [f"Place{n}" for n in range(8)]
    at = chat(path, "Mara: hello").read_text().splitlines()[-1].partition(" - ")[0]
    path.write_text(path.read_text() + "".join(f"{at} - Mara: I live in {place}\n" for place in places))
    await memory.imports(path)
    assert [(place, holds) for _, _, place, holds in await memory.facts()] == [
        (place, place == places[-1]) for place in places
    ]
