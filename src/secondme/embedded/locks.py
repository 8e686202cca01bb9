"""File locks that the kernel frees when their process dies, whatever killed it."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from secondme.domain.errors import StoreUnavailable

PATIENCE = 120.0  # seconds; a first start on a slow disk takes ten


class FileLock:
    """A flock on a file of its own descriptor. Child processes do not inherit it beyond their exec."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        """True when nobody else holds it in any way. Refused, a shared hold of ours is lost too."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """True when nobody else holds it exclusively."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def write(self, note: str) -> None:
        """Leave a word for those who wait."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, note.encode(), 0)

    def read(self) -> str:
        return os.pread(self._fd, 100, 0).decode(errors="replace")

    def close(self) -> None:
        os.close(self._fd)


@asynccontextmanager
async def one_at_a_time(path: Path, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold `path` exclusively. Raises StoreUnavailable when another process keeps it for PATIENCE seconds."""
    lock = FileLock(path)
    try:
        await _acquire(lock, say)
        lock.write(str(os.getpid()))
        yield
    finally:
        lock.close()


async def _acquire(lock: FileLock, say: Callable[[str], None]) -> None:
    started, told = time.monotonic(), False
    while not lock.try_exclusive():
        waited = time.monotonic() - started
        if waited > PATIENCE:
            raise StoreUnavailable(
                f"Process {lock.read()} has been starting or stopping the stores for {PATIENCE:.0f} s: "
                "end it, then try again."
            )
        if waited > 1 and not told:
            told = True
            say(f"Waiting for process {lock.read()}, which starts or stops the stores.")
        await asyncio.sleep(0.02)
