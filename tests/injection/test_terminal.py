"""What commands print of hostile names, words and files holds nothing that a terminal would obey."""

import json
import os
import pty
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Instance, an_instance
from tests.injection import hostile
from tests.memory.a_memory import chat

_OBEYED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ALL = " ".join((*hostile.TERMINAL, "{{7*7}} {0} [bold]x[/] </message> '; DROP TABLE x; --")).replace(
    "\ud83d", ""
)
HOSTILE = f"Bob{_ALL}"[:200]
SHORT = "Eve\x1b[31m\x9b2J\u202eX[bold]"
NUMBER, OTHER, THIRD = "+15550100", "+15550101", "+15550102"
FORGERY = "L\x1b[2J\x9b31m\u202eisbon"


class Typed:
    """Commands of one instance, at a terminal that knows no colours, so that whatever is obeyed came from outside."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def run(self, *args: str, typed: str = "", terminal: bool = True) -> str:
        """What a command printed, with its errors, once it has ended, however it ended."""
        env = self.instance.env | {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "secondme.cli", *args]
        if not terminal:
            done = subprocess.run(
                command, env=env, cwd=self.instance.home, capture_output=True, timeout=60, check=False
            )
            return (done.stdout + done.stderr).decode()
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            command, env=env, cwd=self.instance.home, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        assert process.stdin
        process.stdin.write(typed.encode())
        process.stdin.close()
        said = b""
        try:
            while piece := os.read(ours, 65536):
                said += piece
        except OSError:
            pass  # so a terminal's end is told
        finally:
            os.close(ours)
        process.wait(60)
        return said.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def typed() -> Iterator[Typed]:
    """An instance to which three people with hostile names have written, and that has learned from a chat."""
    with an_instance() as instance:
        running = instance.start("up", SECONDME_NEW_CONTACTS="enabled", SECONDME_EXTRACTION="rules")
        with running:
            running.until("Ctrl-C stops everything.")
            for number, name in ((NUMBER, HOSTILE), (OTHER, SHORT), (THIRD, SHORT)):
                said = {"from": number, "name": name, "text": f"I live in Lisbon. {HOSTILE}"}
                request = urllib.request.Request(
                    f"http://127.0.0.1:{instance.port('GATEWAY_PORT')}/simulator/messages",
                    json.dumps(said).encode(),
                    {"Content-Type": "application/json"},
                )
                assert urllib.request.urlopen(request, timeout=10).status == 200
            yield Typed(instance)


def inert(said: str) -> bool:
    """Whether nothing in it would be obeyed; shows what would be."""
    found = [
        f"{hit[0]!r} in {said[max(0, hit.start() - 40) : hit.end() + 20]!r}" for hit in _OBEYED.finditer(said)
    ]
    assert found == []
    return True


def a_chat(folder: Path, name: str = "WhatsApp Chat with \x1b[31mBob\u202e.txt") -> Path:
    lines = (
        f"Bob {SHORT}: I live in Lisbon",
        f"~{SHORT}: met Maria",
        f"{HOSTILE[:60]}: hello {HOSTILE}".replace("\n", " "),
    )
    return chat(folder / "x" / name, *lines)


def test_the_list_of_people(typed: Typed) -> None:
    assert inert(said := typed.run("contacts")) and "Eve" in said and "[bold]" in said
    assert inert(programs := typed.run("contacts", "--json", terminal=False))
    assert SHORT in [row["name"] for row in json.loads(programs)]


def test_a_chat_on_its_way_in(typed: Typed, tmp_path: Path, long: bool) -> None:
    file = str(a_chat(tmp_path))
    assert inert(said := typed.run("import", file)) and "Eve" in said
    assert inert(typed.run("import", file, "--me", f"nobody {SHORT}"))
    assert inert(said := typed.run("import", file, "--dry-run", "--json", terminal=False))
    written = SHORT.replace("\u202e", "")  # marks are no part of a name
    assert any(written in (json.loads(line)["author"] or "") for line in said.splitlines())
    assert inert(said := typed.run("import", file, "--me", "Lena", "--no-model")) and "Lena" in said
    if long:
        assert inert(typed.run("import", file, "--me", "Lena", "--with", SHORT))
        assert inert(typed.run("import", str(tmp_path / f"none {SHORT}.txt"), "--me", "Lena"))


USUAL: tuple[tuple[str, ...], ...] = (
    ("facts", NUMBER),
    ("ask", "who lives in Lisbon?"),
    ("merge", SHORT, NUMBER),
    ("export", NUMBER),
    ("pause", NUMBER, "--for", "1m"),
    ("chat", "--as", SHORT, "--once", HOSTILE),
)
OTHERS: tuple[tuple[str, ...], ...] = (
    ("graph", "query", "recent_activity", "userId=user-1"),
    ("forget", SHORT),
    ("merge", NUMBER, OTHER),
    ("facts", "--why", f"fact_{SHORT}"),
    ("facts", NUMBER, "--json"),
    ("facts", SHORT),
    ("ask", f"what is {HOSTILE}?", "--json"),
    ("share", f"fact_{SHORT}", "with", SHORT),
    ("share", f"fact_{SHORT}", "with", NUMBER),
    ("unshare", f"fact_{SHORT}", "with", NUMBER),
    ("unmerge", NUMBER, OTHER),
    ("forget", f"nobody {SHORT}", "--yes"),
    ("forget", f"fact_{SHORT}", "--yes"),
    ("resume", NUMBER),
    ("disable", NUMBER),
    ("enable", NUMBER),
    ("contact", NUMBER, "--relationship", SHORT),
    ("contact", NUMBER, "--relationship", "friend", "--persona", SHORT),
    ("status",),
    ("doctor",),
    ("graph", "query", SHORT, f"{SHORT}={SHORT}"),
    ("chat", "--profile", SHORT, "--once", "hi"),
    ("send", NUMBER, "--template", SHORT),
    ("forget", NUMBER, "--yes"),
)


@pytest.mark.timeout(400)
def test_whatever_is_asked(typed: Typed, long: bool) -> None:
    for args in USUAL + (OTHERS if long else ()):
        said = typed.run(*(arg.replace("\x00", "") for arg in args))
        assert said.strip(), args
        assert "Traceback" not in said
        assert inert(said), args
