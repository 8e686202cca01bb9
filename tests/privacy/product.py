"""The product as its owner runs it: `secondme up` in a process of its own, its settings in the environment alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from secondme.embedded import running
from secondme.embedded.processes import find
from tests.faults.children import SOURCE

SECONDME = (sys.executable, "-P", "-m", "secondme.cli")
SERVICES = ("GATEWAY", "ORCHESTRATOR", "GRAPH_WORKER", "DASHBOARD")
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")


@dataclass
class Product:
    """One instance in a folder of its own. `env` is all that its processes know of the world."""

    folder: Path
    env: dict[str, str]
    ports: dict[str, int]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start everything and wait until the services answer."""
        output = self.folder / "up.txt"
        with output.open("ab") as file:
            self.process = subprocess.Popen(
                [*SECONDME, "up"], cwd=self.folder, env=self.env, stdout=file, stderr=subprocess.STDOUT
            )
        for port in self.ports.values():
            outwait(lambda port=port: answers(port), 60, lambda: output.read_text())  # type: ignore[misc]

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(40)
            self.process = None

    def command(self, *words: str) -> tuple[int, str]:
        """One command of the owner's: its exit code, and what it prints, which is for them alone and not searched."""
        done = subprocess.run(
            [*SECONDME, *words], cwd=self.folder, env=self.env, capture_output=True, timeout=60, check=False
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    def kill_stores(self, *names: str) -> None:
        """SIGKILL whatever serves these embedded stores."""
        for process in (process for name in names for process in find(self.data / name)):
            process.kill()
        outwait(lambda: self.health()["status"] != "ok", 10, lambda: "nobody noticed")

    def revived(self) -> None:
        """Wait until every store is back."""
        outwait(lambda: self.health()["status"] == "ok", 40, lambda: str(self.health()))

    def health(self) -> Any:
        return json.loads(self.scrape("GATEWAY", "/health"))

    def scrape(self, service: str, path: str) -> bytes:
        try:
            return self.open(service, urllib.request.Request(self.url(service, path)))[1]
        except (OSError, ValueError):
            return b'{"status": "away"}'

    def url(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def open(self, service: str, request: urllib.request.Request) -> tuple[int, bytes]:
        """The status and the body of an answer, whatever the status is."""
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def post(self, body: Any, path: str = "/simulator/messages", **headers: str) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **headers}
        return self.open("GATEWAY", urllib.request.Request(self.url("GATEWAY", path), data, given))

    def says(self, who: str, text: str, **more: Any) -> int:
        return self.post({"from": who, "text": text, **more})[0]

    def thread(self, who: str, account: str) -> list[dict[str, Any]]:
        path = f"/simulator/messages?with={quote(who)}&account={account}"
        found = json.loads(self.open("GATEWAY", urllib.request.Request(self.url("GATEWAY", path)))[1])
        assert isinstance(found, list), found
        return found

    def settled(self, who: str, account: str = "main", seconds: float = 30) -> list[dict[str, Any]]:
        """The thread, once everything that came in has its receipt."""

        def done() -> bool:
            items = self.thread(who, account)
            return bool(items) and not {i["status"] for i in items} & {"waiting", "answering", "in_flight"}

        outwait(done, seconds, lambda: str(self.thread(who, account)))
        return self.thread(who, account)

    @property
    def addresses(self) -> Any:
        found = running(self.data)
        assert found is not None
        return found


@contextmanager
def installed(folder: Path, **settings: str) -> Iterator[Product]:
    """A product in `folder` with a home and a temporary folder of its own; ended with the block."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(mode=0o777)
        (folder / name).chmod(0o777)  # stores of root's run as another user
    folder.chmod(0o711)
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {
        "PYTHONPATH": str(SOURCE),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "SECONDME_DATA_DIR": "data",
    }
    env |= {f"{name}_PORT": str(port) for name, port in ports.items()} | settings
    product = Product(folder, env, ports)
    try:
        yield product
    finally:
        product.stop()


@contextmanager
def outside() -> Iterator[str]:
    """The phone network and the model of outside.py; yields their base URL."""
    program = Path(__file__).with_name("outside.py")
    with (
        subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process,
        ExitStack() as end,
    ):
        end.callback(process.kill)
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        bound = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in bound]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def outwait(done: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    """Wait until something is so; fails with what is known then."""
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, told()
        time.sleep(0.1)
