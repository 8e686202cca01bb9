"""Reads all that an instance keeps, with every key that it has, as somebody would who got hold of the machine."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from redis.asyncio import Redis

from secondme.embedded import Addresses, EmbeddedStores
from secondme.embedded.wheels import postgres_program
from secondme.stores import sealed_chat
from secondme.stores.ledger import Ledger, Lock, imports
from secondme.stores.ledger.imports import Job
from secondme.stores.vault import KeyRing
from tests.privacy.opening import opened
from tests.privacy.places import files, keys, tables
from tests.privacy.product import SERVICES, Product
from tests.support.stores import drop_database, with_database

# What the owner's key seals: a key that is left opens it, in whatever old page it lies.
_LEFT = {
    "imports": ("file_key", "tellers", "lesson"),
    "kept_aside": ("payload",),
    "personas": ("style_guide", "examples", "style"),
    "voice_examples": ("text",),
}


@asynccontextmanager
async def ledger_of(product: Product, dsn: str) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(dsn, KeyRing.from_file(product.data / "secret.key"))
    try:
        yield ledger
    finally:
        await ledger.close()


@contextmanager
def unlearned(product: Product, dsn: str) -> Iterator[None]:
    """No chat is worked off meanwhile, as if another worker were at one."""
    with asyncio.Runner() as runner:
        held = AsyncExitStack()
        try:
            kept = runner.run(held.enter_async_context(ledger_of(product, dsn)))
            runner.run(held.enter_async_context(kept.alone(Lock.IMPORTING)))
            yield
        finally:
            runner.run(held.aclose())


async def waiting(product: Product, dsn: str) -> list[Job]:
    """The chats that are not learned, the oldest first."""
    async with ledger_of(product, dsn) as kept, kept.light() as light:
        return await imports.waiting(light, kept.vault)


def everything(product: Product, addresses: Addresses) -> Iterator[tuple[str, bytes]]:
    """(kind of place, what stands there), uncompressed and unsealed: stores, their files, chats, logs, metrics."""
    dsn = addresses.database_url or ""
    yield "ledger, with all keys", asyncio.run(ledger(product, dsn))
    yield "sealed chats, with all keys", asyncio.run(_chats(product, dsn))
    for place, data in asyncio.run(tables(dsn)).items():
        yield f"ledger, as it is: {place}", data
    yield "graph, asked", asyncio.run(graph(addresses.falkordb_url or ""))
    for name, url in (("redis", addresses.redis_url or ""), ("graph", addresses.falkordb_url or "")):
        for data in asyncio.run(keys(name, url)).values():
            yield f"{name}, its keys", data
    for service in SERVICES:
        yield "metrics", product.scrape(service, "/metrics") + product.scrape(service, "/health")
    for path, data in files(product.folder):
        yield f"files: {_kind(Path(path).relative_to(product.folder))}", data


def _kind(path: Path) -> str:
    return "/".join(path.parts[:2]) if path.parts[0] == "data" and len(path.parts) > 2 else path.parts[0]


async def ledger(product: Product, dsn: str) -> bytes:
    """Every sealed value that some key opens."""
    async with ledger_of(product, dsn) as kept:
        return "\n".join((await opened(kept)).values()).encode()


async def _chats(product: Product, dsn: str) -> bytes:
    """The imported chats that wait, opened by what the ledger has."""
    async with ledger_of(product, dsn) as ledger:
        jobs = await waiting(product, dsn)
        places = [sealed_chat.place_of(product.data / "imports", ledger.vault, job.key) for job in jobs]
        here = [(place, job) for place, job in zip(places, jobs, strict=True) if place.exists()]
        return "\n".join(
            line[2] for place, job in here for lines in sealed_chat.chunks(place, job.key) for line in lines
        ).encode()


async def graph(url: str) -> bytes:
    """Every property of the graph, and what the server remembers of questions."""
    redis: Any = Redis.from_url(url)
    answers = [
        await redis.execute_command("GRAPH.RO_QUERY", "secondme", "MATCH (n) RETURN labels(n), properties(n)"),
        await redis.execute_command("GRAPH.RO_QUERY", "secondme", "MATCH ()-[r]->() RETURN type(r), properties(r)"),
        await redis.execute_command("GRAPH.SLOWLOG", "secondme"),
        await redis.execute_command("GRAPH.INFO"),
    ]  # fmt: skip
    await redis.aclose()
    return repr(answers).encode()


async def written_down(addresses: Addresses) -> None:
    """Have the stores write what they hold into files that one can read: not compressed, and now."""
    redis, graph_server = (Redis.from_url(url or "") for url in (addresses.redis_url, addresses.falkordb_url))
    async with redis, graph_server:
        for server in (redis, graph_server):
            await server.config_set("rdbcompression", "no")
        while not await redis.exists("CACHE:persona:persona-own"):  # noqa: ASYNC110 - it is somebody else's to write
            await asyncio.sleep(0.1)
        await redis.save()
    postgres = await asyncpg.connect(addresses.database_url)
    await postgres.execute("CHECKPOINT")
    await postgres.close()


async def left_openable(product: Product, dsn: str, contact: str, words: set[str]) -> list[bytes]:
    """The beginnings of all sealed values that keys which outlive a contact open, and that are theirs: their own
    wrapped key, and whatever says one of these words."""
    async with ledger_of(product, dsn) as ledger:
        plain = await opened(ledger)
        async with ledger.transaction() as tx:
            found = [await tx.fetchval("SELECT key FROM contacts WHERE id::text = $1", contact)]
            for table, columns in _LEFT.items():
                for column in columns:
                    for row in await tx.fetch(f"SELECT id::text, {column} AS sealed FROM {table}"):
                        text = plain.get(f"{table}.{column} {row['id']}", "")
                        if row["sealed"] and any(word in text for word in words):
                            found.append(row["sealed"])
            chats = await imports.waiting(tx, ledger.vault)
        found += [job.lock for job in chats if contact in (job.audience, *job.tellers)]
    return [bytes(sealed[:40]) for sealed in found]


def standing(folder: Path, pieces: list[bytes]) -> int:
    """How many of these stand in a file below, in whatever page."""
    whole = [data for _, data in files(folder)]
    return sum(any(piece in data for data in whole) for piece in pieces)


def dumped(dsn: str, file: Path) -> Path:
    """What `pg_dump` has of the ledger."""
    subprocess.run(
        [postgres_program("pg_dump"), "--no-owner", "--no-privileges", "--file", file, dsn],
        check=True,
        timeout=60,
    )
    return file


async def restored(product: Product, dsn: str, file: Path) -> bytes:
    """A dump in a new database, read with today's keys."""
    async with restored_at(dsn, file) as new:
        return await ledger(product, new)


@asynccontextmanager
async def restored_at(dsn: str, file: Path, name: str = "restored") -> AsyncIterator[str]:
    """As on a server of the owner's own: there we may not end the log of writes."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    new = with_database(dsn, name)
    command = [str(postgres_program("psql")), "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(file), new]
    try:
        await asyncio.to_thread(
            lambda: subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
        )
        yield new
    finally:
        await drop_database(dsn, name)


async def graph_restored(product: Product, folder: Path) -> bytes:
    """The graph's files as they lie, started in a fresh server; with the files that this one then writes."""
    folder.mkdir(mode=0o700)
    folder.parent.chmod(0o711)  # the servers run as another user where this runs as root
    shutil.copytree(product.data / "falkordb", folder / "falkordb")
    stores = await EmbeddedStores.attach(folder, need=["falkordb"])
    try:
        found = await graph(stores.addresses.falkordb_url or "")
    finally:
        await stores.detach()
    return found
