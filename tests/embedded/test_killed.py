"""Whatever moment of a first start is its last, the next start repairs it and leaves nothing behind."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from secondme.embedded import EmbeddedStores
from tests.embedded.conftest import Hold, expect, mentioning

MOMENTS = 10
_took: list[float] = []


def first_start_takes(data_dir: Path, holder: Hold) -> float:
    """Seconds of one undisturbed first start, measured once."""
    if not _took:
        undisturbed = data_dir.with_name("undisturbed")
        process = holder(undisturbed)
        started = time.monotonic()
        expect(process, "attached")
        _took.append(time.monotonic() - started)
        process.communicate()
    return _took[0]


@pytest.mark.parametrize("moment", range(MOMENTS))
async def test_a_start_killed_at_any_moment_is_repaired(data_dir: Path, holder: Hold, moment: int) -> None:
    duration = first_start_takes(data_dir, holder)
    process = holder(data_dir)
    await asyncio.sleep(duration * (moment + 0.5) / MOMENTS)
    process.kill()
    process.wait()

    stores = await EmbeddedStores.attach(data_dir)
    connection = await asyncpg.connect(stores.addresses.database_url)
    assert await connection.fetchval("SELECT current_database()") == "secondme"
    await connection.close()
    await stores.detach()
    assert mentioning(data_dir) == []
    assert not (data_dir / "postgres.new").exists()
