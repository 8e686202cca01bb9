"""Who has which port: held by a lock of this data directory, or found out by asking."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

from secondme.cli.halting import Halt
from secondme.domain.errors import ConfigError
from secondme.embedded.locks import FileLock
from secondme.web.neighbours import health_of
from secondme.wiring import Say

_NOTICE = 1.5  # seconds in which a process whose supervisor was killed notices
_LEAVING = 30.0  # seconds that a stopping process gets to be gone
RUNNING, _STOPPING = "running", "stopping"


async def who_answers(port: int) -> str | None:
    """The name of the service on this port of this machine; empty for a stranger's, None for nobody."""
    found = await health_of(port)
    return None if found is None else str(found.get("service", ""))


async def refuse_taken(ports: Mapping[str, int]) -> None:
    """Before anything is made: raises ConfigError that names every port that services cannot have, and a way out."""
    if len(set(ports.values())) < len(ports):
        named = ", ".join(f"{_variable(name)}={port}" for name, port in ports.items())
        raise ConfigError(f"Every service needs a port of its own: {named}.")
    taken = {name: port for name, port in ports.items() if not _is_free(port)}
    if not taken:
        return
    who = await asyncio.gather(*(who_answers(port) for port in taken.values()))
    said = [
        f"{port} ({f'the {other} of another SecondMe' if other else 'another program'})"
        for port, other in zip(taken.values(), who, strict=True)
    ]
    ways = " ".join(f"{_variable(name)}={free}" for name, free in _others(ports, taken).items())
    raise ConfigError(
        f"Ports in use: {', '.join(said)}. Stop what has them, or start with other ones: {ways}"
    )


def _variable(service: str) -> str:
    return f"{service.upper().replace('-', '_')}_PORT"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _others(ports: Mapping[str, int], taken: Mapping[str, int]) -> dict[str, int]:
    """A free port near each that is taken, none twice."""
    found: dict[str, int] = {}
    for name, port in taken.items():
        near = (p for p in range(port + 10, 65_536) if p not in ports.values() and p not in found.values())
        found[name] = next((p for p in near if _is_free(p)), 0)
    return found


async def answers(data_dir: Path, name: str, port: int) -> bool:
    """Whether this service of this very data directory answers."""
    return holder(data_dir, port) is not None and await who_answers(port) == name


def holder(data_dir: Path, port: int) -> tuple[int, str] | None:
    """The process that has this port for the data directory, and whether it is starting, running or stopping."""
    path = _lock_file(data_dir, port)
    if not path.exists():
        return None
    with closing(FileLock(path)) as lock:
        if lock.try_shared():
            return None
        pid, _, word = lock.read().partition(" ")
    return int(pid or 0), word


def _lock_file(data_dir: Path, port: int) -> Path:
    return data_dir / "run" / f"port-{port}.lock"


class Claim:
    """The ports of this process's services. The kernel frees them with the process, however it ends."""

    def __init__(self, locks: list[FileLock]) -> None:
        self._locks = locks
        self._note("starting")

    def running(self) -> None:
        """Tell a supervisor that every port answers."""
        self._note(RUNNING)

    def leaving(self) -> None:
        """Tell whoever starts next that it is worth waiting."""
        self._note(_STOPPING)

    def _note(self, word: str) -> None:
        for lock in self._locks:
            lock.write(f"{os.getpid()} {word}")


@asynccontextmanager
async def claimed(data_dir: Path, ports: Iterable[int], halt: Halt, say: Say) -> AsyncIterator[Claim]:
    """Hold these ports for services of this data directory; one that is being left is waited for.

    Raises ConfigError when a service of this directory runs there and stays.
    """
    with ExitStack() as stack:
        locks = []
        for port in sorted(set(ports)):
            lock = stack.enter_context(closing(FileLock(_lock_file(data_dir, port))))
            if await _acquire(lock, port, halt, say):
                locks.append(lock)
        yield Claim(locks)


async def _acquire(lock: FileLock, port: int, halt: Halt, say: Say) -> bool:
    """False where somebody asked to stop while it waited."""
    waited, told = 0.0, False
    while not lock.try_exclusive():
        if halt.asked.is_set():
            return False
        pid, _, word = lock.read().partition(" ")
        if waited > (_LEAVING if word == _STOPPING else _NOTICE):
            raise ConfigError(
                f"SecondMe already runs here: process {pid} has port {port}. `secondme link` opens its page; "
                "to run it anew, stop that one first."
            )
        if word == _STOPPING and not told:
            told = True
            say(f"Waiting for process {pid}, which is stopping.")
        await asyncio.sleep(0.05)
        waited += 0.05
    return True
