"""What the dashboard does with what a crash, a stranger's header or a broken line leaves it."""

from pathlib import Path

import pytest

from secondme.embedded import Addresses
from tests.web.conftest import opened

pytestmark = pytest.mark.timeout(60)


async def test_uploads_that_a_crash_left_go_at_the_start(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "upload-left").write_bytes(b"a chat")
    async with opened(addresses, template, tmp_path, ("dashboard",)):
        assert list((tmp_path / "run").iterdir()) == []
