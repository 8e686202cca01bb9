"""Where the product under measurement keeps its data."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Outside pytest's own folders: another run resets their modes, and Postgres runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="secondme-bench-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
