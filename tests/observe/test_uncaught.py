"""Whatever goes wrong in a process, what it prints and logs names types and places, never arguments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "CANARY-7f3a-meet-me-at-nine"


def _run(body: str, folder: Path) -> str:
    """Run a program that configures logs and then goes wrong; everything that it printed or logged."""
    program = folder / "program.py"
    program.write_text(f"from secondme.observe import logs\n{body}")
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path("src").resolve())},
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "crash",
    [
        f"raise ValueError('{CANARY}')",
        f"import threading; t = threading.Thread(target=int, args=('{CANARY}',)); t.start(); t.join()",
        f"class X:\n    def __del__(self): raise ValueError('{CANARY}')\nx = X(); del x",
        f"import asyncio\nasync def f():\n    asyncio.create_task(g())\n    await asyncio.sleep(0.05)\n"
        f"async def g(): raise ValueError('{CANARY}')\nasyncio.run(f())",
        # A handler that fails must not print the record with its arguments.
        f"import logging\nh = logging.StreamHandler(object()); logging.getLogger().addHandler(h)\n"
        f"logging.getLogger('a').error('x %s', '{CANARY}')",
    ],
    ids=["main", "thread", "finaliser", "task", "handler"],
)
@pytest.mark.parametrize("human", [True, False])
def test_uncaught_errors_do_not_print_their_arguments(tmp_path: Path, crash: str, human: bool) -> None:
    printed = _run(f"logs.configure('up', human={human})\n" + crash, tmp_path)
    assert CANARY not in printed
    assert "ValueError" in printed or "x …" in printed


def test_a_basic_config_made_earlier_is_taken_over(tmp_path: Path) -> None:
    printed = _run(
        f"import logging\nlogging.basicConfig()\nlogs.configure('up')\nlogging.error('%s', '{CANARY}')",
        tmp_path,
    )
    assert CANARY not in printed
    assert '"said":"…"' in printed


def test_before_configure_lines_are_guarded_too(tmp_path: Path) -> None:
    printed = _run(f"logs.get_logger('x').warning('message.received', text='{CANARY}')", tmp_path)
    assert CANARY not in printed
    assert "message.received" in printed
