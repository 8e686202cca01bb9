"""The programs to compare with, as they stand in their folder: what of them is there, and how to run one of them."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import asyncpg
import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from secondme.bench.lab import BenchFailed, environment, last_words
from secondme.bench.machine import seconds, tree_seconds
from secondme.embedded import Addresses

REDIS_PORT, POSTGRES_PORT, OUTSIDE_PORT = 6400, 5544, 7100  # written into the programs
_POSTGRES = f"postgresql://postgres@127.0.0.1:{POSTGRES_PORT}"
PEERS_DATABASE, OURS_DATABASE = "bench", "secondme_bench"  # ours beside theirs, for as long as it is needed
_UP = 20.0  # seconds
_STAND_UP = "up.sh of that folder makes a working one and starts its stores"


@dataclass(frozen=True, slots=True)
class Peers:
    """A folder in which they were stood up, its Redis and its Postgres running."""

    folder: Path

    async def missing(self, *tools: str) -> str | None:
        """What is not there, in words; None when everything is. Nothing of a stranger's stores is touched."""
        absent = [tool for tool in ("node", *tools) if shutil.which(tool) is None]
        if absent:
            return f"{', '.join(absent)} not installed"
        files = ("node/node_modules", "v12/bin/python", *(("reqs.bin", "wh.lua") if "wrk" in tools else ()))
        absent = [name for name in files if not (self.folder / name).exists()]
        if absent:
            return f"the peers' folder has no {', '.join(absent)}: {_STAND_UP}"
        if not await self._own_redis():
            return f"the peers' Redis does not run on {REDIS_PORT}: {_STAND_UP}"
        if self._postmaster() is None:
            return f"the peers' Postgres does not run on {POSTGRES_PORT}: {_STAND_UP}"
        return None

    async def _own_redis(self) -> bool:
        with suppress(RedisError, OSError):
            async with Redis(port=REDIS_PORT) as redis:
                return int((await redis.info("server"))["process_id"]) == _number(self.folder / "rd" / "pid")
        return False

    def _postmaster(self) -> psutil.Process | None:
        with suppress(OSError, IndexError, ValueError, psutil.Error):
            lines = (self.folder / "pg" / "data" / "postmaster.pid").read_text().splitlines()
            found = psutil.Process(int(lines[0]))
            if int(lines[3]) == POSTGRES_PORT and found.name().startswith("postgres"):
                return found
        return None

    def cpu(self) -> dict[str, float]:
        """CPU seconds of the two stores so far."""
        postmaster, redis = self._postmaster(), _number(self.folder / "rd" / "pid")
        if postmaster is None or redis is None:
            raise BenchFailed("The peers' stores are gone.")
        return {"postgres": tree_seconds(postmaster), "redis": seconds([psutil.Process(redis)])}

    def used(self) -> float:
        """CPU seconds of both so far; none where they do not run."""
        try:
            return sum(self.cpu().values())
        except (BenchFailed, psutil.Error):
            return 0.0

    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[Addresses]:
        """A database of ours on their Postgres, and room in their Redis, until the block ends."""
        await self.postgres(f"DROP DATABASE IF EXISTS {OURS_DATABASE} WITH (FORCE)")
        await self.postgres(f"CREATE DATABASE {OURS_DATABASE}")
        try:
            await self.flush()
            yield Addresses(f"{_POSTGRES}/{OURS_DATABASE}", f"redis://127.0.0.1:{REDIS_PORT}/9")
        finally:
            await self.postgres(f"DROP DATABASE IF EXISTS {OURS_DATABASE} WITH (FORCE)")

    async def postgres(self, *statements: str, database: str = PEERS_DATABASE) -> None:
        """Run these one after the other."""
        connection = await asyncpg.connect(f"{_POSTGRES}/{database}")
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def count(self, query: str, database: str = PEERS_DATABASE) -> int:
        connection = await asyncpg.connect(f"{_POSTGRES}/{database}")
        try:
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    async def flush(self) -> None:
        """Empty their Redis, as their own scripts do."""
        async with Redis(port=REDIS_PORT) as redis:
            await redis.flushall()

    @property
    def python(self) -> Path:
        return self.folder / "v12" / "bin" / "python"

    @asynccontextmanager
    async def running(
        self, command: Sequence[str | Path], **settings: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """One of them in its folder until the block ends; its group is killed then."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            cwd=self.folder,
            env=environment(**settings),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
            await process.wait()

    async def run(self, command: Sequence[str | Path], limit: float, **settings: str) -> None:
        """One of them to its end, at most `limit` seconds. Raises BenchFailed, TimeoutError."""
        async with self.running(command, **settings) as process:
            await ended(process, limit)


async def ended(process: asyncio.subprocess.Process, limit: float) -> None:
    """Wait for its end. Raises BenchFailed with its last words, TimeoutError."""
    async with asyncio.timeout(limit):
        _, complaint = await process.communicate()
    if process.returncode:
        raise BenchFailed(f"A peer ended with {process.returncode}: {last_words(complaint)}")


async def free(port: int) -> None:
    """Raises BenchFailed where somebody listens there: they must not get the load."""
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        raise BenchFailed(f"Port {port} is in use, and a peer needs it: stop the program that has it.")


async def listening(port: int, process: asyncio.subprocess.Process) -> None:
    """Wait until somebody listens there. Raises BenchFailed."""
    begun = monotonic()
    while monotonic() - begun < _UP and process.returncode is None:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise BenchFailed("A peer did not come up.")


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
