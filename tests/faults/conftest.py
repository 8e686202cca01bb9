"""A folder for an instance that is to be hurt."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folders, whose modes other runs reset. FAULTS_KEEP=1 leaves it, logs and all."""
    path = Path(tempfile.mkdtemp(prefix="secondme-faults-")).resolve()
    yield path
    if not os.environ.get("FAULTS_KEEP"):
        shutil.rmtree(path)
