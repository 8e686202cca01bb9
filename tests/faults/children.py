"""Processes that a fault test starts, kills, stops and starts again; each is known by its Popen, never by a name."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
_OURS = (
    "SECONDME_",
    "DATABASE_",
    "REDIS_",
    "FALKORDB_",
    "SIMULATOR_",
    "WHATSAPP_",
    "GATEWAY_",
    "ORCHESTRATOR_",
)
_COMMAND = "from secondme.cli import main; main()"


def environment(source: Path, **settings: str) -> dict[str, str]:
    """What a child gets: this process's environment without any setting of ours, then `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"PYTHONPATH": f"{source}{os.pathsep}{ROOT}"} | settings


class Service:
    """One of our services in a process of its own."""

    def __init__(self, name: str, port: int, settings: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.port = port
        self._settings = dict(settings) | {f"{name.upper().replace('-', '_')}_PORT": str(port)}
        self._output = folder / f"{name}-{port}.out"
        self._fired = folder / f"{name}-{port}.failpoints"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, failpoint: str | None = None) -> None:
        """Start it; with `failpoint` (`name` or `name:count`) it dies there by itself."""
        assert not self.running, f"{self.name} runs already"
        armed = (
            {"SECONDME_FAILPOINT": failpoint, "SECONDME_FAILPOINT_LOG": str(self._fired)} if failpoint else {}
        )
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, self.name],
                env=self._settings | armed,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def listens(self, seconds: float = 30.0) -> None:
        """Wait until it accepts connections, or has ended: who waits for a failpoint may be too late."""
        deadline = time.monotonic() + seconds
        while self.running:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                assert time.monotonic() < deadline, f"{self.name} does not listen; see {self._output}"
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.reap()

    def stop(self) -> None:
        """Freeze it where it stands."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def reap(self) -> None:
        if self._process is not None:
            self._process.wait(timeout=10)
            self._process = None

    async def dies_of(self, failpoint: str, seconds: float) -> None:
        """Wait until it has died at the failpoint it was armed with, and take note that it was there."""
        deadline = time.monotonic() + seconds
        while self.running:
            assert time.monotonic() < deadline, f"{self.name} never came to {failpoint}"
            await asyncio.sleep(0.01)
        self.reap()
        fired = self._fired.read_text().split() if self._fired.exists() else []
        assert fired == [failpoint], f"{self.name} died, but not at {failpoint}; see {self._output}"
        self._fired.unlink()

    async def metric(self, line: str) -> float:
        """The value of one line of its /metrics, such as `secondme_kept_aside_total`."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/metrics") as got,
        ):
            for found in (await got.text()).splitlines():
                if found.startswith(f"{line} "):
                    return float(found.rsplit(" ", 1)[1])
        raise AssertionError(f"{self.name} has no metric {line}")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)


class Talker:
    """A process of a module of ours that says what it has to say in lines."""

    def __init__(self, settings: Mapping[str, str], folder: Path, module: str, *arguments: str) -> None:
        self._errors = folder / f"{module}.err"
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=dict(settings),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    async def line(self, seconds: float = 30.0) -> str:
        """The next line it says."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            said = await asyncio.to_thread(self._process.stdout.readline)
        assert said, f"it ended; see {self._errors}"
        return said.strip()

    async def ask(self, question: str, seconds: float = 30.0) -> dict[str, Any]:
        """Say a line, and hear one of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(await self.line(seconds))
        return answer

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)
