"""Starts the stubs and ends them, by the process that was started."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def openai_server() -> Iterator[str]:
    """The stub of openai_server.py; yields its base URL, `http://127.0.0.1:PORT/v1`."""
    script = Path(__file__).with_name("openai_server.py")
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), "the stub did not start; see its error above"
        yield url
    finally:
        process.kill()
        process.communicate(timeout=10)
