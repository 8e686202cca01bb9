"""What befalls people and their words: accounts as configured, erasure, retention."""

from datetime import timedelta
from pathlib import Path

import pytest

from secondme.embedded import Addresses
from secondme.settings import Settings
from secondme.wiring import open_app
from tests.support.world import World, _copy_of, _drop

pytestmark = pytest.mark.timeout(60)


async def test_only_a_process_that_serves_rewrites_the_accounts(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    dsn = await _copy_of(addresses.database_url or "", template)
    given = {
        "data_dir": tmp_path,
        "database_url": dsn,
        "redis_url": addresses.redis_url,
        "falkordb_url": addresses.falkordb_url,
    }

    async def opened(profile: str, *, serves: bool) -> tuple[str, timedelta | None]:
        app = await open_app(Settings.model_validate({**given, "profile": profile}), serves=serves)
        try:
            async with app.ledger.transaction() as tx:
                row = await tx.fetchrow("SELECT profile, content_window FROM accounts WHERE id = 'main'")
            return row["profile"], row["content_window"]
        finally:
            await app.close()

    try:
        assert await opened("journal", serves=True) == ("journal", None)
        assert await opened("clone", serves=False) == ("journal", None)
        assert (await opened("clone", serves=True))[0] == "clone"
    finally:
        await _drop(addresses.database_url or "", dsn)


async def test_what_was_forgotten_stays_so_for_somebody_who_is_back(world: World) -> None:
    await world.says("old", id="m1")
    await world.settled()
    await world.control.forget(await world.contact())
    await world.says("new", id="m2")
    await world.settled()
    assert await world.says("old", id="m1") is None
    await world.settled()
    assert world.phones.texts() == ["re: old", "re: new"]
    assert await world.value("SELECT count(*) FROM messages") == 1


async def test_nobody_comes_back_by_a_late_redelivery(world: World) -> None:
    await world.says("old", id="m1")
    await world.settled()
    await world.control.forget(await world.contact())
    assert await world.says("old", id="m1") is None
    assert await world.value("SELECT count(*) FROM contacts") == 0
