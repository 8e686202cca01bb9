"""A data directory to start real servers in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]

Hold = Callable[[Path], "subprocess.Popen[str]"]


def mentioning(folder: Path) -> list[psutil.Process]:
    """Every living process whose command line mentions `folder`, whatever it is."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path with spaces that does not exist yet; outside pytest's folders, whose modes other runs reset."""
    home = Path(tempfile.mkdtemp(prefix="secondme-")).resolve()
    yield home / "my own data"
    for process in mentioning(home):
        process.kill()
    shutil.rmtree(home)


@pytest.fixture
def holder() -> Iterator[Hold]:
    """Starts a process that attaches; it has printed `going` by then."""
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.holder", str(data_dir)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        expect(process, "going")
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def expect(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdout
    assert process.stdout.readline() == f"{line}\n"
