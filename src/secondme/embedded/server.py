"""Bringing one store up: join the one that runs, replace what does not answer, start what is missing."""

import asyncio
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from secondme.domain.errors import SecondMeError, StoreUnavailable
from secondme.embedded import processes
from secondme.embedded.account import Account
from secondme.embedded.folder import Access, full, is_full, read_accesses, write_accesses

_PORTS_TO_TRY = 8
_SILENCE = 30.0  # seconds that a live server may take until it accepts a connection
_LOADING = 900.0  # seconds that it may take to replay its files
_TELL_EVERY = 10.0


class NotReady(Exception):
    """The server does not accept connections (yet)."""


class Loading(Exception):
    """The server answers that it is reading its files."""


class WrongPassword(Exception):
    """A server answers, and not to us."""


class PortTaken(Exception):
    """Somebody else has the port."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the stores live, who runs them, and whether no other process holds them."""

    data_dir: Path
    account: Account | None
    alone: bool
    say: Callable[[str], None]

    def folder(self, name: str) -> Path:
        """The store's own folder, made if need be and given to its account."""
        folder = self.data_dir / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            self.account.give(folder)
        return folder

    def log(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"


class Server(Protocol):
    """What differs between the stores."""

    name: str  # of its folder, its log and its entry in the record
    title: str
    polite: signal.Signals  # asks for an orderly end

    async def prepare(self, site: Site, password: str) -> None:
        """Make or mend its files; nothing of it runs."""
        ...

    def launch(self, site: Site, access: Access) -> subprocess.Popen[bytes]: ...

    async def ping(self, access: Access) -> None:
        """Raises NotReady, Loading or WrongPassword."""
        ...

    async def set_password(self, site: Site, password: str) -> None:
        """Make `password` the one; nothing of it runs."""
        ...

    def url(self, access: Access) -> str: ...


async def bring_up(server: Server, site: Site) -> Access:
    """Only under the start lock. Raises SecondMeError with one line that says what to do."""
    folder = site.data_dir / server.name
    access = read_accesses(site.data_dir).get(server.name)
    if access and processes.find(folder) and await _answers(server, site, access):
        return access
    await processes.stop(folder, server.polite)
    access = access or Access(0, secrets.token_hex(32))
    _remember(server, site, access)
    await server.prepare(site, access.password)
    for _ in range(_PORTS_TO_TRY):
        access = Access(_free_port(access.port), access.password)
        _remember(server, site, access)
        try:
            await _start(server, site, access)
        except PortTaken:
            access = Access(0, access.password)
        else:
            return access
    raise StoreUnavailable(
        f"No free port on 127.0.0.1 for {server.title}: close some programs, then try again."
    )


async def _answers(server: Server, site: Site, access: Access) -> bool:
    """Whether the server that was left running is up, or coming up, and knows our password."""
    try:
        await _until_ready(server, site, access, lambda: bool(processes.find(site.data_dir / server.name)))
    except (WrongPassword, SecondMeError):
        return False
    return True


async def _start(server: Server, site: Site, access: Access) -> None:
    """Raises PortTaken, or StoreUnavailable with what the log says."""
    log = site.log(server.name)
    start = log.stat().st_size if log.exists() else 0
    try:
        try:
            await _launch(server, site, access)
        except WrongPassword:  # its files come from elsewhere, or run/ was deleted
            await processes.stop(site.data_dir / server.name, server.polite)
            await server.set_password(site, access.password)
            await _launch(server, site, access)
    except (StoreUnavailable, WrongPassword) as error:
        raise _why(server, site, log, start) from error


async def _launch(server: Server, site: Site, access: Access) -> None:
    process = server.launch(site, access)
    await _until_ready(server, site, access, lambda: process.poll() is None)


async def _until_ready(server: Server, site: Site, access: Access, alive: Callable[[], bool]) -> None:
    """Raises StoreUnavailable when it ended or stays silent, WrongPassword when it is not ours."""
    started = time.monotonic()
    told, patience = started, _SILENCE
    while time.monotonic() - started < patience:
        try:
            return await server.ping(access)
        except Loading:
            patience = _LOADING
            if time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                site.say(f"{server.title} is reading its files ({told - started:.0f} s).")
        except NotReady:
            if not alive():
                raise StoreUnavailable(f"{server.title} ended while it started.") from None
        await asyncio.sleep(0.01)
    raise StoreUnavailable(f"{server.title} gave no answer for {patience:.0f} s.")


def _why(server: Server, site: Site, log: Path, start: int) -> Exception:
    """What the log says since byte `start`, as one line."""
    with log.open("rb") as file:
        file.seek(start if start <= log.stat().st_size else 0)
        printed = file.read(100_000).decode(errors="replace")
    if "Address already in use" in printed:
        return PortTaken()
    if is_full(printed):
        return full(site.data_dir)
    return StoreUnavailable(f"{server.title} did not start: {telling_line(printed)} (see {log}).")


def telling_line(printed: str) -> str:
    """Of what a program printed, the line that most likely says why it ended."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [
        line for line in lines if re.search(r"FATAL|PANIC|error|can't|fail", line, re.IGNORECASE)
    ] or lines
    return telling[-1] if telling else "it printed nothing"


def _remember(server: Server, site: Site, access: Access) -> None:
    """Before the start, so that whoever finds the process knows how to talk to it."""
    write_accesses(site.data_dir, read_accesses(site.data_dir) | {server.name: access})


def _free_port(wish: int) -> int:
    """The port of the last time, if it is still free, so that addresses stay; else any."""
    for port in (wish, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreUnavailable("No free port on 127.0.0.1: close some programs, then try again.")
