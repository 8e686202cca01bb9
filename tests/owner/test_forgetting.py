"""What forgetting does beside the rows: chats that wait, old pages, and what is said where that is not done yet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from secondme.cli import parting
from secondme.domain.errors import StoreUnavailable
from secondme.embedded import Addresses
from secondme.memory.forgetting import forget_in_chats
from secondme.observe.audit import AuditLog
from secondme.owner.remembering import Remembering
from secondme.pipeline.effects import Effects
from secondme.stores import sealed_chat
from secondme.stores.ledger import files, imports
from secondme.stores.ledger.imports import Job
from secondme.stores.signals import RedisSignals
from tests.memory.a_memory import Memory, a_memory, chat
from tests.support.world import World


@pytest_asyncio.fixture
async def memory(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with a_memory(addresses, template, tmp_path) as opened:
        yield opened


async def waiting(world: World) -> Job:
    async with world.ledger.transaction() as tx:
        (job,) = await imports.waiting(tx, world.ledger.vault)
    return job


def said(world: World, job: Job) -> str:
    """What lies sealed."""
    path = sealed_chat.place_of(world.folder / "imports", world.ledger.vault, job.key)
    return " ".join(text for lines in sealed_chat.chunks(path, job.key) for _, _, text, _ in lines)


@asynccontextmanager
async def other(world: World) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Another session on the ledger."""
    connection = await asyncpg.connect(world.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def begun(world: World) -> "asyncio.Task[None]":
    """The files being written anew, which waits."""
    place = "SELECT pg_relation_filepath('contacts')"
    before = await world.value(place)
    rewriting = asyncio.create_task(files.rewrite_files(world.ledger))
    done, _ = await asyncio.wait({rewriting}, timeout=0.5)
    assert not done and await world.value(place) == before
    return rewriting


@asynccontextmanager
async def reader(world: World, table: str = "accounts") -> AsyncIterator[None]:
    """Somebody who sees the ledger as it is now for as long as they like, and has read this much of it."""
    async with other(world) as connection, connection.transaction(isolation="repeatable_read"):
        await connection.fetchval(f"SELECT count(*) FROM {table}")
        await world.says("and on it goes")
        yield


async def test_a_member_goes_from_a_groups_chat_that_waits(memory: Memory, tmp_path: Path) -> None:
    """Also the one who wrote most; what the others said is learned, from where the worker was."""
    world = memory.world
    lines = [*(f"Mara: met Friend{n}" for n in range(1_500)), "Tom: met Bob"]
    path = chat(tmp_path / "WhatsApp Chat with Climbers.txt", *lines)
    await world.importer.run(path, "Lena", keep_voice=False)
    before = await waiting(world)
    assert "Friend1499" in said(world, before)
    (mara,) = await world.control.find("Mara", imported=True)
    await world.control.forget(mara.id)
    after = await waiting(world)
    assert (
        after.total == before.total and "Friend" not in said(world, after) and "met Bob" in said(world, after)
    )
    assert len(list((world.folder / "imports").iterdir())) == 1
    async with world.ledger.transaction() as tx:
        assert not await imports.advance(tx, before, 1_000)  # whoever was learning from it begins anew
    assert await memory.import_worker().work_once()
    assert await memory.named() == [("Bob", 1)]
    assert list((world.folder / "imports").iterdir()) == []


async def test_a_chat_that_is_imported_anew_meanwhile_stays(memory: Memory, tmp_path: Path) -> None:
    world = memory.world
    path = chat(tmp_path / "WhatsApp Chat with Climbers.txt", "Mara: met Eve", "Tom: met Bob")
    await world.importer.run(path, "Lena", keep_voice=False)
    old = await waiting(world)
    async with world.ledger.transaction() as tx:
        assert not await imports.rekey(tx, world.ledger.vault, replace(old, lock=b"other"), b"k" * 32)
    nobody = world.folder / "elsewhere"
    await forget_in_chats(world.ledger, nobody, [b"k" * 32], old.tellers[1])  # it lies on another machine
    assert (await waiting(world)).lock == old.lock and "met Eve" in said(world, old)


@pytest.mark.parametrize("table", ["accounts", "contacts"])
async def test_old_pages_wait_for_whoever_still_reads_them(memory: Memory, table: str) -> None:
    async with reader(memory.world, table):
        rewriting = await begun(memory.world)
    await rewriting


async def test_old_pages_wait_for_a_writer_between_two_statements(memory: Memory) -> None:
    """It reads nothing just then, and Postgres keeps for it what it may read next."""
    async with other(memory.world) as writer:
        async with writer.transaction():
            await writer.execute("SELECT pg_current_xact_id()")
            await memory.world.says("and on it goes")
            rewriting = await begun(memory.world)
        await rewriting


async def test_nobody_waits_for_a_vacuum_of_another_table(memory: Memory) -> None:
    """Nothing is kept for it, and a throttled one takes hours."""
    async with other(memory.world) as sweeper:
        await sweeper.execute(
            "INSERT INTO settings SELECT 'a ' || n, '1' FROM generate_series(1, 20000) AS n"
        )
        await sweeper.execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")
        sweeping = asyncio.create_task(sweeper.execute("VACUUM settings"))
        await memory.world.until("SELECT EXISTS (SELECT 1 FROM pg_stat_progress_vacuum)")
        await memory.world.says("and on it goes")
        async with asyncio.timeout(10):
            await files.rewrite_files(memory.world.ledger)
        assert not sweeping.done()
        await memory.world.value("SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum")
        with pytest.raises(asyncpg.QueryCanceledError):
            await sweeping


async def test_what_cannot_be_rewritten_yet_is_said(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    world = memory.world
    await world.says("hello")
    contact = await world.contact()
    effects = Effects(world.signals, AuditLog(world.folder / "logs"), world.ledger.vault)
    rights = Remembering(world.ledger, memory.graph, memory.mirror, world.control, effects, world.clock)
    monkeypatch.setattr(files, "_PATIENCE", 0.2)
    async with reader(world):
        with pytest.raises(StoreUnavailable, match="backup"):
            await files.rewrite_files(world.ledger)
        receipt = await rights.forget(contact)
    assert receipt["memory"] is not None and receipt["finishedAt"] is None
    assert "forget again" in receipt["filesFollow"]
    again = await rights.forget(contact)
    assert again["filesFollow"] is None and again["finishedAt"]


@pytest.mark.parametrize("role", ["pg_checkpoint", "pg_read_all_stats"])
async def test_who_may_not_end_the_log_of_writes_says_so(memory: Memory, role: str) -> None:
    """What is allowed of it is done: a checkpoint alone is better than none."""
    done = "SELECT num_requested FROM pg_stat_checkpointer"
    before = await memory.world.value(done)
    restricted = copy(memory.world.ledger)
    restricted.dsn += f"?role={role}"
    with pytest.raises(StoreUnavailable, match=r"grant it pg_checkpoint.*pg_switch_wal"):
        await files.rewrite_files(restricted)
    if role == "pg_checkpoint":
        await memory.world.until(f"SELECT ({done}) > {before}")


def test_the_owner_is_told_to_say_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    receipt = {"forgotten": "an-id", "memory": {"facts": 1, "entities": 0}, "filesFollow": "Somebody reads."}
    assert parting._say_of_memory(receipt | {"finishedAt": None}) == 3
    said = capsys.readouterr().out
    assert "Somebody reads." in said and "forget an-id" in said and "Receipt" not in said


async def test_a_redis_that_forbids_it_and_one_that_is_away(addresses: Addresses) -> None:
    """The first is its owner's wish; of the second nobody knows."""
    url = urlsplit(addresses.redis_url or "")
    async with Redis.from_url(addresses.redis_url or "") as redis:
        await redis.execute_command("ACL", "SETUSER", "guest", "on", ">pass", "~*", "+@all", "-bgsave")
        guest = RedisSignals(f"redis://guest:pass@{url.hostname}:{url.port}/0")
        await guest.rewrite_files()
        await guest.close()
        await redis.execute_command("ACL", "DELUSER", "guest")
    away = RedisSignals("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await away.rewrite_files()
    await away.close()


async def test_statistics_have_nothing_that_a_key_opens(memory: Memory) -> None:
    """They outlive the row until somebody counts again, and then in old pages of a table that is not ours."""
    world = memory.world
    for number in range(20):
        await world.says("hello", who=f"+155501{number:02}")
    async with world.ledger.single() as connection:
        await connection.execute("ANALYZE")
        rows = await connection.fetch("SELECT tablename || '.' || attname AS name FROM pg_stats")
    names = {row["name"] for row in rows}
    assert "contacts.created_at" in names
    sealed = (
        "contacts.key",
        "imports.lesson",
        "kept_aside.payload",
        "personas.examples",
        "voice_examples.text",
    )
    assert not names & set(sealed)


async def test_old_pages_of_statistics_go_as_well(memory: Memory) -> None:
    """They had keys in them, before there was a migration against it."""
    place = "SELECT pg_relation_filepath('pg_statistic')"
    before = await memory.world.value(place)
    await files.rewrite_files(memory.world.ledger)
    assert await memory.world.value(place) != before
