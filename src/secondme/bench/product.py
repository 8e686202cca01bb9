"""The product under measurement: `secondme` in a process of its own, on stores of its own."""

import asyncio
import os
import random
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

import aiohttp
import psutil

from secondme.bench.lab import BenchFailed, environment, last_words
from secondme.bench.machine import seconds
from secondme.embedded import Addresses, running
from secondme.embedded.processes import find, stop

STORES = ("postgres", "redis", "falkordb")
OWN = Addresses()
_NONE: Mapping[str, str] = MappingProxyType({})
_PORTS = ("GATEWAY_PORT", "ORCHESTRATOR_PORT", "GRAPH_WORKER_PORT", "DASHBOARD_PORT")
_PORT_RANGE = range(20_000, 32_000)
_UP = 90.0  # seconds that a start may take
_LEAVE = 40.0  # seconds for an orderly stop
_LINK = re.compile(rb"http://127\.0\.0\.1:\d+/start\?token=\S+")


@dataclass(frozen=True, slots=True)
class Product:
    """A running `secondme`. `begun` is the perf_counter moment at which it was started; `given` names its stores."""

    data_dir: Path
    gateway: int  # port
    port: int  # what answers for it
    process: asyncio.subprocess.Process
    begun: float
    given: Addresses

    async def link(self) -> str:
        """The one-time link that it prints once everything answers. Raises BenchFailed, TimeoutError."""
        assert self.process.stdout
        line = b""
        async with asyncio.timeout(_UP):
            async for line in self.process.stdout:
                if found := _LINK.search(line):
                    return found.group().decode()
        raise BenchFailed(f"`secondme` ended before it was up: {last_words(line)}")

    async def answers(self) -> None:
        """Wait until it does, and it is this one. Raises BenchFailed, TimeoutError."""
        url = f"http://127.0.0.1:{self.port}/health"
        async with asyncio.timeout(_UP), aiohttp.ClientSession() as session:
            while self.process.returncode is None:
                with suppress(aiohttp.ClientError):
                    async with session.get(url) as answer:
                        if answer.status == 200 and self._listens():
                            return
                await asyncio.sleep(0.05)
        assert self.process.stdout
        raise BenchFailed(
            f"`secondme` ended before it was up: {last_words(await self.process.stdout.read())}"
        )

    def _listens(self) -> bool:
        """Whether the port is ours: somebody else's instance must never get the load."""
        try:
            held = psutil.Process(self.process.pid).net_connections("tcp4")
        except psutil.NoSuchProcess:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == self.port for c in held if c.laddr)

    def parts(self) -> dict[str, list[psutil.Process]]:
        """Its processes: ours, and those of each store."""
        stores = {name: find(self.data_dir / name) for name in STORES}
        return {"secondme": [psutil.Process(self.process.pid)], **stores}

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part; Postgres's with backends that have ended."""
        return {name: seconds(group, ended=name in STORES) for name, group in self.parts().items()}

    def own_cpu(self) -> float:
        """CPU seconds of this process alone so far."""
        return seconds([psutil.Process(self.process.pid)])

    def resident(self) -> int:
        """Bytes that this process has in memory, its children not counted."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def database_url(self) -> str:
        found = self.given.database_url or self._running.database_url
        if found is None:
            raise BenchFailed("The product's Postgres is gone.")
        return found

    @property
    def redis_url(self) -> str:
        found = self.given.redis_url or self._running.redis_url
        if found is None:
            raise BenchFailed("The product's Redis is gone.")
        return found

    @property
    def _running(self) -> Addresses:
        return running(self.data_dir) or Addresses()


@asynccontextmanager
async def started(
    words: Sequence[str],
    data_dir: Path,
    settings: Mapping[str, str] = _NONE,
    *,
    given: Addresses = OWN,
    joins: bool = False,
) -> AsyncIterator[Product]:
    """`secondme WORDS` until the block ends; nothing of it stays, except its data directory.

    Stores that `given` names are used instead of stores of its own. `joins`: another one has this data directory, and
    ends its stores.
    """
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    lifeline, held = os.pipe()  # the end that we hold closes with us, however we end; then it stops itself
    try:
        begun = perf_counter()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "secondme.cli", *words),
            cwd=data_dir.parent,  # no secondme.yaml there
            env=environment(
                SECONDME_DATA_DIR=str(data_dir),
                SECONDME_LIFELINE=str(lifeline),
                **{name: str(port) for name, port in ports.items()},
                **_store_settings(given),
                **settings,
            ),
            pass_fds=[lifeline],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            answering = "ORCHESTRATOR_PORT" if words[0] == "orchestrator" else "GATEWAY_PORT"
            yield Product(data_dir, ports["GATEWAY_PORT"], ports[answering], process, begun, given)
        finally:
            await asyncio.shield(_end(process, () if joins else [data_dir / name for name in STORES]))
    finally:
        os.close(lifeline)
        os.close(held)


def _store_settings(given: Addresses) -> dict[str, str]:
    named = {
        "DATABASE_URL": given.database_url,
        "REDIS_URL": given.redis_url,
        "FALKORDB_URL": given.falkordb_url,
    }
    return {name: url for name, url in named.items() if url}


@contextmanager
def frozen(product: Product) -> Iterator[None]:
    """It does nothing until the block ends: what comes for it piles up."""
    product.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        if product.process.returncode is None:
            product.process.send_signal(signal.SIGCONT)


async def _end(process: asyncio.subprocess.Process, stores: Iterable[Path]) -> None:
    """In order; by force, stores and all, when that takes too long."""
    try:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(_LEAVE):
                await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
    for folder in stores:
        await stop(folder, signal.SIGTERM)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has right now; below those that the kernel gives to outgoing connections."""
    found: list[int] = []
    for port in random.sample(_PORT_RANGE, len(_PORT_RANGE)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise BenchFailed("No free ports on 127.0.0.1: close some programs, then try again.")
