"""The servers as processes: in sessions of their own, found by what the kernel says, stopped in order."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from secondme.embedded.account import Account
from secondme.embedded.folder import explain

_PROGRAMS = frozenset({"postgres", "initdb", "redis-server"})
_PATIENCE = 20.0  # seconds for an orderly end; then SIGKILL
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")
_LOG_LIMIT = 5 * 2**20


def spawn(
    command: Sequence[str | Path],
    folder: Path,
    account: Account | None,
    stdin: str = "",
    log: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in `folder` as `account`, out of reach of the terminal's Ctrl-C.

    What it prints goes to the end of `log`, or to pipes when there is none. Raises ConfigError when it
    cannot be run.
    """
    output = open_log(log) if log else subprocess.PIPE
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
            umask=0o077,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError as error:
        raise explain(error, folder) from error
    finally:
        if log:
            os.close(output)
    if log:
        _feed(process, stdin)
    return process


def _environment() -> dict[str, str]:
    """Nothing of ours. In a home GraphBLAS would make a thousand folders, for a compiler that FalkorDB forbids it."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC", "HOME": "/nonexistent"}


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin
    try:
        process.stdin.write(text.encode())
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once: its log says why
    threading.Thread(target=process.wait, daemon=True, name="reaper").start()


async def run(
    command: Sequence[str | Path], folder: Path, account: Account | None, stdin: str = ""
) -> tuple[int, str]:
    """Run `command` to its end; returns its exit status and what it printed."""
    process = spawn(command, folder, account)
    output, _ = await asyncio.to_thread(process.communicate, stdin.encode())
    return process.returncode, output.decode(errors="replace")


def open_log(path: Path) -> int:
    """A descriptor to append to `path`; one older file is kept."""
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def find(folder: Path) -> list[psutil.Process]:
    """The store processes of `folder`, by program, working folder and arguments, never by an old pid."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in _PROGRAMS and _lives_in(process, folder) and _runs(process):
                found.append(process)
        except psutil.Error:
            continue  # ended meanwhile, or another user's
    return found


def _lives_in(process: psutil.Process, folder: Path) -> bool:
    below = f"{folder}{os.sep}"
    return any(part == str(folder) or part.startswith(below) for part in (process.cwd(), *process.cmdline()))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def stop(folder: Path, politely: signal.Signals) -> None:
    """End what lives in `folder`: the head of each family is asked, what is left after a while is killed."""
    family = find(folder)
    pids = {process.pid for process in family}
    for process in family:
        if _parent(process) not in pids:
            _send(process, politely)
    if await _gone(family, _PATIENCE):
        return
    for process in find(folder):
        _send(process, signal.SIGKILL)
    await _gone(find(folder), 5.0)


async def _gone(family: list[psutil.Process], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while family := [process for process in family if _runs(process)]:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _send(process: psutil.Process, what: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):  # ended meanwhile
        process.send_signal(what)
