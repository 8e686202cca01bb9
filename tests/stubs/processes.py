"""Starts the stubs and ends them, by the process that was started."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@contextmanager
def openai_server() -> Iterator[str]:
    """The stub of openai_server.py; yields its base URL, `http://127.0.0.1:PORT/v1`."""
    with _started("tests.stubs.openai_server") as url:
        yield url


@contextmanager
def anthropic_server() -> Iterator[str]:
    """The stub of anthropic_server.py; yields its base URL, `http://127.0.0.1:PORT`."""
    with _started("tests.stubs.anthropic_server") as url:
        yield url


@contextmanager
def meta_network(log: Path) -> Iterator[str]:
    """The stub of meta_network.py, which writes to `log`; yields its base URL, `http://127.0.0.1:PORT`."""
    with _started("tests.stubs.meta_network", str(log)) as url:
        yield url


@contextmanager
def _started(module: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the stub did not start; see its error above"
        yield url
    finally:
        process.kill()
        process.communicate(timeout=10)
