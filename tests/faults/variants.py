"""Copies of the product with a few words changed: with shorter waits, or without something that it needs."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.faults.children import SOURCE

type Changes = Mapping[
    str, tuple[str, str]
]  # module path below secondme/ → (what stands there once, what shall)

# Who dies holding a conversation keeps it for this long: shorter, or a short test would mostly wait.
SHORT_LEASE = {
    "pipeline/turns.py": ("LEASE = timedelta(seconds=15)", "LEASE = timedelta(seconds=3)"),
}


def variant(folder: Path, *changes: Changes) -> Path:
    """A changed copy of the source in `folder`; returns what belongs into PYTHONPATH."""
    copy = folder / "src"
    shutil.copytree(SOURCE, copy)
    for change in changes:
        for module, (there, shall) in change.items():
            path = copy / "secondme" / module
            text = path.read_text()
            assert text.count(there) == 1, f"{module} does not hold {there!r} exactly once: mend this test"
            path.write_text(text.replace(there, shall))
    return copy
