"""The real commands, as processes, each test module with an instance of its own."""

import json
import os
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
RUNNING = "Ctrl-C stops everything."
SAMPLES = ROOT / "src" / "secondme" / "samples"
LENA = SAMPLES / "lena" / "WhatsApp Chat with Mara Ruiz.txt"
_PORTS = ("GATEWAY_PORT", "ORCHESTRATOR_PORT", "GRAPH_WORKER_PORT", "DASHBOARD_PORT")
# What a developer's shell may have set must not reach an instance of a test.
_OURS = re.compile(
    r"SECONDME_|(DATABASE|REDIS|FALKORDB)_|SIMULATOR_|.*_(API_KEY|BASE_URL)$|DOMAIN$|JWT_SECRET$"
)


class Instance:
    """One data directory with ports of its own, and the command line in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data_dir = home / "my own data"
        self.env = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
        self.env |= dict(zip(_PORTS, map(str, free_ports(len(_PORTS))), strict=True))
        self.env |= {
            "SECONDME_DATA_DIR": str(self.data_dir),
            "SECONDME_PACING": "none",
            "SECONDME_DEBOUNCE": "100ms",
            "PYTHONPATH": str(ROOT / "src"),
        }

    def port(self, name: str) -> int:
        return int(self.env[name])

    def run(
        self, *args: str, code: int = 0, typed: str = "", **env: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end and expect its exit code; it never shows a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "secondme.cli", *args],
            cwd=self.home,
            env=self.env | env,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, said
        assert "Traceback" not in said
        return done

    def json(self, *args: str, **env: str) -> Any:
        """What a command prints for programs."""
        return json.loads(self.run(*args, code=0, typed="", **env).stdout)

    def refused(self, *args: str, typed: str = "", **env: str) -> str:
        """What a refused command says at last: one line, or one and each of its settings to mend in one of its own."""
        done = self.run(*args, code=1, typed=typed, **env)
        lines = done.stderr.strip().splitlines()
        first = next((at for at, line in enumerate(lines) if line.startswith("secondme: ")), len(lines))
        assert all(line.startswith("  ") for line in lines[first + 1 :]) and lines[first:], done.stderr
        return "\n".join(lines[first:])

    def start(self, *args: str, **env: str) -> "Running":
        """Start a command that stays."""
        return Running(self, [sys.executable, "-m", "secondme.cli", *args], self.env | env)

    def processes(self) -> list[psutil.Process]:
        """Everything alive that belongs to this instance: by arguments, working folder or environment."""
        return [process for process in psutil.process_iter() if self._has(process)]

    def _has(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            told = [*process.cmdline(), process.cwd(), process.environ().get("SECONDME_DATA_DIR", "")]
        except psutil.Error:
            return False
        return any(str(self.home) in part for part in told)

    def gone(self, seconds: float = 0.0) -> list[list[str]]:
        """Wait until nothing of it lives; returns what still does."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [process.cmdline() for process in left]


class Running:
    """A command that stays, with what it prints."""

    def __init__(self, instance: Instance, command: list[str], env: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            command,
            cwd=instance.home,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def until(self, wanted: str, seconds: float = 60.0) -> str:
        """Wait for a line that holds this."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._new.get(timeout=max(0.01, deadline - time.monotonic()))
            assert line is not None, f"ended before it said {wanted!r}:\n{self.said()}"
            self.lines.append(line)
            if wanted in line:
                return line

    def said(self) -> str:
        while not self._new.empty():
            self.lines.append(self._new.get() or "")
        return "\n".join(self.lines)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 40.0) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at the moment, below those that the kernel gives to whoever connects."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


@contextmanager
def an_instance() -> Iterator[Instance]:
    instance = Instance(Path(tempfile.mkdtemp(prefix="secondme-cli-")).resolve())
    try:
        yield instance
    finally:
        for process in instance.processes():
            process.kill()
        shutil.rmtree(instance.home, ignore_errors=True)


@pytest.fixture
def fresh() -> Iterator[Instance]:
    """An instance that was never started."""
    with an_instance() as instance:
        yield instance


@pytest.fixture(scope="module")
def shared() -> Iterator[Instance]:
    """An instance for all tests of a module."""
    with an_instance() as instance:
        yield instance
