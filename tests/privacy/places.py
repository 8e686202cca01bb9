"""Where a word could be left behind, and how to look for it there in every shape that it may have taken."""

import asyncio
import base64
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis

WORD = "qzxvkjw"  # every canary begins with it, and no language has it
NAME = "wkjvxzq"  # every name that is a canary begins with it
NUMBER = "4915577713"  # every canary number begins with it
NEEDLES = (WORD, NAME, NUMBER)
GRAPH = (
    "falkordb ",
    "said to falkordb",
)  # its keys and what it is told; its files are in a folder `falkordb`
KNOWN = {NAME, NUMBER}  # the graph is there to know people by name and number, and nothing that they say


def shapes(needle: str) -> set[bytes]:
    """A text as it is, in capitals, in UTF-16, in hex, and in base64 at each of its three offsets."""
    plain = needle.encode()
    found = {plain, plain.upper(), needle.encode("utf-16-le"), plain.hex().encode()}
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + plain + b"xx")
        found.add(
            coded[(offset * 8 + 5) // 6 : (offset + len(plain)) * 8 // 6]
        )  # what the needle alone decides
    return found


SHAPES = {needle: shapes(needle) for needle in NEEDLES}


def betrays(data: bytes) -> list[str]:
    """Which canaries can be read in it."""
    return [needle for needle, forms in SHAPES.items() if any(form in data for form in forms)]


def betrayals(places: Iterable[tuple[str, bytes]]) -> list[str]:
    """`place: canary with its surroundings`, for each place that betrays one."""
    found = []
    for place, data in places:
        known = KNOWN if place.startswith("falkordb ") or "/falkordb/" in place else set()
        for needle in (needle for needle in betrays(data) if needle not in known):
            at = max(0, data.find(needle.encode()))
            found.append(f"{place}: {needle} in {data[max(0, at - 80) : at + 120]!r}")
    return found


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below, whole, with its name in front."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                try:
                    yield str(path), path.name.encode() + b"\n" + path.read_bytes()
                except FileNotFoundError:
                    continue


async def tables(dsn: str) -> dict[str, bytes]:
    """Every table of the database as bytes: values that are bytes as they are, others as text."""
    connection = await asyncpg.connect(dsn)
    names = await connection.fetch(
        """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
    )
    found = {}
    for name in [row["name"] for row in names]:
        rows = await connection.fetch(f"SELECT * FROM {name}")
        found[f"table {name}"] = b"\n".join(_bytes(value) for row in rows for value in row.values())
    for name in ("pg_stat_activity", "pg_stats"):
        lines = await connection.fetch(f"SELECT t::text AS line FROM {name} t")
        found[f"view {name}"] = "\n".join(row["line"] for row in lines).encode()
    await connection.close()
    return found


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


async def keys(name: str, url: str) -> dict[str, bytes]:
    """Every key of a Redis with all that it holds, DUMP being the shape on its disk."""
    redis: Any = Redis.from_url(url)
    readers: Mapping[bytes, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": lambda key: redis.xrange(key),
    }
    found = {}
    async for key in redis.scan_iter(count=1000):
        kind = await redis.type(key)
        value = await readers[kind](key) if kind in readers else await redis.dump(key)
        found[f"{name} {key.decode()}"] = (
            key + b" " + (value if isinstance(value, bytes) else repr(value).encode())
        )
    await redis.aclose()
    return found


async def slow_queries(url: str) -> bytes:
    """What the graph remembers of queries, once its worker has had the time to empty that."""
    redis: Any = Redis.from_url(url)
    lines: list[Any] = []
    for _ in range(10):
        lines = await redis.execute_command("GRAPH.SLOWLOG", "secondme")
        if not betrays(repr(lines).encode()):
            break
        await asyncio.sleep(1)
    await redis.aclose()
    return repr(lines).encode()


def scraped(url: str) -> bytes:
    """What a page answers, whatever its status."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.read()


class Tap:
    """Everything that is said to a Redis, by anybody: commands with their arguments, published news too."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.heard = bytearray()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                self._hear()
            except OSError:
                time.sleep(0.05)  # killed by a test; it comes back

    def _hear(self) -> None:
        address = (self._parts.hostname or "", self._parts.port or 6379)
        with socket.create_connection(address, timeout=1) as line:
            line.sendall(f"AUTH {self._parts.password}\r\nMONITOR\r\n".encode())
            line.settimeout(0.2)
            while not self._stop.is_set():
                try:
                    said = line.recv(65536)
                except TimeoutError:
                    continue
                if not said:
                    return
                self.heard += said

    def close(self) -> bytes:
        self._stop.set()
        self._thread.join(5)
        return bytes(self.heard)
