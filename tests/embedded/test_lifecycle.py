"""The stores run while anybody holds them, and no longer."""

import os
import socket
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from secondme.embedded import Addresses, EmbeddedStores, Need, running
from secondme.embedded.processes import find
from tests.embedded.conftest import Hold, expect, mentioning


@asynccontextmanager
async def postgres(addresses: Addresses) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(addresses.database_url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def redis(url: str | None) -> AsyncIterator[Redis]:
    assert url
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


async def write_everywhere(addresses: Addresses) -> None:
    async with postgres(addresses) as ledger:
        await ledger.execute("CREATE TABLE kept (word text)")
        await ledger.execute("INSERT INTO kept VALUES ('ledger')")
    async with redis(addresses.redis_url) as signals:
        await signals.set("kept", "signals")
    async with redis(addresses.falkordb_url) as graph:
        await graph.execute_command("GRAPH.QUERY", "kept", "CREATE (:Word {name: 'graph'})")


async def read_everywhere(addresses: Addresses) -> list[str]:
    async with postgres(addresses) as ledger, redis(addresses.redis_url) as signals:
        async with redis(addresses.falkordb_url) as graph:
            answer = await graph.execute_command("GRAPH.QUERY", "kept", "MATCH (w:Word) RETURN w.name")
        return [await ledger.fetchval("SELECT word FROM kept"), await signals.get("kept"), answer[1][0][0]]


def heads(data_dir: Path) -> dict[Need, psutil.Process]:
    """The server process of each store that runs."""
    names: tuple[Need, ...] = ("postgres", "redis", "falkordb")
    found = {name: find(data_dir / name) for name in names}
    return {
        name: next(process for process in family if process.ppid() not in {other.pid for other in family})
        for name, family in found.items()
        if family
    }


async def test_what_was_written_is_there_at_the_same_addresses_after_a_stop(data_dir: Path) -> None:
    stores = await EmbeddedStores.attach(data_dir)
    first = stores.addresses
    await write_everywhere(first)
    assert running(data_dir) == first
    await stores.detach()
    assert running(data_dir) is None
    assert mentioning(data_dir) == []

    again = await EmbeddedStores.attach(data_dir)
    assert again.addresses == first
    assert await read_everywhere(again.addresses) == ["ledger", "signals", "graph"]
    await again.detach()


async def test_nothing_is_open_to_others(data_dir: Path) -> None:
    stores = await EmbeddedStores.attach(data_dir)
    passwords = [urlsplit(url).password or "-" for url in vars_of(stores.addresses)]
    processes = [process for name in ("postgres", "redis", "falkordb") for process in find(data_dir / name)]
    for process in processes:
        assert not any(word in " ".join(process.cmdline()) for word in passwords)
        assert process.uids().real != 0
        assert os.getsid(process.pid) != os.getsid(0), "a Ctrl-C in our terminal would reach it"
    heard = {
        line.laddr.ip
        for line in psutil.net_connections("inet")
        if line.laddr and line.pid in {p.pid for p in processes}
    }
    assert heard == {"127.0.0.1"}
    assert stat.S_IMODE(data_dir.stat().st_mode) & 0o067 == 0
    assert stat.S_IMODE((data_dir / "run").stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (data_dir / "run").iterdir()} == {0o600}
    await stores.detach()


async def test_a_closed_folder_above_is_opened_to_pass_only_for_root_who_is_told(data_dir: Path) -> None:
    said: list[str] = []
    stores = await EmbeddedStores.attach(data_dir, said.append, need={"redis"})
    await stores.detach()
    above = data_dir.parent
    root = os.geteuid() == 0
    assert stat.S_IMODE(above.stat().st_mode) == (0o701 if root else 0o700)
    assert any(str(above) in line and "o+x" in line for line in said) == root


def vars_of(addresses: Addresses) -> list[str]:
    urls = [addresses.database_url, addresses.redis_url, addresses.falkordb_url]
    return [url for url in urls if url]


async def test_only_what_is_needed_runs_and_the_rest_may_follow(data_dir: Path) -> None:
    one = await EmbeddedStores.attach(data_dir, need={"redis"})
    assert (one.addresses.database_url, one.addresses.falkordb_url) == (None, None)
    assert heads(data_dir).keys() == {"redis"}
    both = await EmbeddedStores.attach(data_dir, need={"redis", "falkordb"})
    assert both.addresses.redis_url == one.addresses.redis_url
    assert heads(data_dir).keys() == {"redis", "falkordb"}
    await one.detach()
    assert heads(data_dir).keys() == {"redis", "falkordb"}
    await both.detach()
    await both.detach()
    assert mentioning(data_dir) == []


async def test_a_second_process_joins_and_the_last_to_leave_stops_them(data_dir: Path, holder: Hold) -> None:
    other = holder(data_dir)
    expect(other, "attached")
    before = heads(data_dir)
    mine = await EmbeddedStores.attach(data_dir)
    assert heads(data_dir) == before
    await mine.detach()
    assert heads(data_dir) == before
    other.communicate()
    assert other.returncode == 0
    assert mentioning(data_dir) == []


async def test_stores_of_a_killed_holder_are_taken_over(data_dir: Path, holder: Hold) -> None:
    other = holder(data_dir)
    expect(other, "attached")
    before = heads(data_dir)
    other.kill()
    other.wait()
    stores = await EmbeddedStores.attach(data_dir)
    assert heads(data_dir) == before
    await stores.detach()
    assert mentioning(data_dir) == []


async def test_stores_that_do_not_know_our_passwords_are_replaced(data_dir: Path, holder: Hold) -> None:
    other = holder(data_dir)
    expect(other, "attached")
    addresses = running(data_dir)
    assert addresses
    await write_everywhere(addresses)
    before = heads(data_dir)
    other.kill()
    other.wait()
    (data_dir / "run" / "stores.json").unlink()
    stores = await EmbeddedStores.attach(data_dir)
    assert not set(heads(data_dir).values()) & set(before.values())
    assert await read_everywhere(stores.addresses) == ["ledger", "signals", "graph"]
    await stores.detach()


async def test_what_died_is_revived_at_its_address_and_nothing_else_is_touched(data_dir: Path) -> None:
    stores = await EmbeddedStores.attach(data_dir)
    await write_everywhere(stores.addresses)
    before = heads(data_dir)
    before["postgres"].kill()
    before["falkordb"].kill()
    psutil.wait_procs([before["postgres"], before["falkordb"]], timeout=5)
    await stores.revive()
    assert await read_everywhere(stores.addresses) == ["ledger", "signals", "graph"]
    assert heads(data_dir)["redis"] == before["redis"]
    await stores.detach()
    assert mentioning(data_dir) == []


async def test_a_pid_file_that_names_another_process_of_the_same_user_is_no_lock(data_dir: Path) -> None:
    stores = await EmbeddedStores.attach(data_dir, need={"postgres"})
    pid_file = data_dir / "postgres" / "postmaster.pid"
    left_by_a_killed_server = pid_file.read_text().splitlines()
    await stores.detach()
    owner = (data_dir / "postgres").stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None) as somebody:
        pid_file.write_text("\n".join([str(somebody.pid), *left_by_a_killed_server[1:]]))
        stores = await EmbeddedStores.attach(data_dir, need={"postgres"})
        await stores.detach()
        somebody.kill()


async def test_a_port_that_somebody_took_is_given_up(data_dir: Path) -> None:
    stores = await EmbeddedStores.attach(data_dir, need={"redis"})
    port = urlsplit(stores.addresses.redis_url).port
    await stores.detach()
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", port or 0))
        somebody.listen()
        stores = await EmbeddedStores.attach(data_dir, need={"redis"})
        assert urlsplit(stores.addresses.redis_url).port != port
        await stores.detach()


RIGHTS = """SELECT pg_has_role('pg_read_all_stats', 'MEMBER') AND pg_has_role('pg_checkpoint', 'MEMBER')
  AND has_function_privilege('pg_switch_wal()', 'EXECUTE')"""


async def test_a_cluster_from_before_is_granted_what_forgetting_needs(data_dir: Path) -> None:
    """In its database and in those that are made after."""
    with pytest.MonkeyPatch.context() as before:
        before.setattr("secondme.embedded.postgres._GRANTS", ())
        stores = await EmbeddedStores.attach(data_dir, need={"postgres"})
        async with postgres(stores.addresses) as ledger:
            assert not await ledger.fetchval(RIGHTS)
        await stores.detach()
    (data_dir / "postgres" / "secondme.grants").unlink()
    stores = await EmbeddedStores.attach(data_dir, need={"postgres"})
    async with postgres(stores.addresses) as ledger:
        assert await ledger.fetchval(RIGHTS)
        await ledger.execute("CREATE DATABASE another")
    async with postgres(
        Addresses(f"{(stores.addresses.database_url or '').rpartition('/')[0]}/another")
    ) as one:
        assert await one.fetchval(RIGHTS)
    await stores.detach()
