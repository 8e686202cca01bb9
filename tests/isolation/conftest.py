"""Stores of their own for stories."""

from pathlib import Path

import pytest

from secondme.embedded import Addresses
from tests.isolation.machine import Stores


@pytest.fixture
def stores(addresses: Addresses, template: str, tmp_path: Path) -> Stores:
    urls = (addresses.database_url or "", addresses.redis_url or "", addresses.falkordb_url or "")
    return Stores(*urls, template, tmp_path)
