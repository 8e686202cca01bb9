"""What doctor says about a number on Meta's API: against the stub, with and without anything heard."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from secondme.channels.whatsapp_cloud import Number
from secondme.cli.meta import look
from secondme.domain.errors import ConfigError
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.processes import meta_network
from tests.support.world import World

ZONE = ZoneInfo("Europe/Berlin")


async def test_a_look_at_a_number(world: World, tmp_path: Path) -> None:
    with meta_network(tmp_path / "log") as base:
        number = Number("main", PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN, APP_SECRET, base)
        said = await look(world.ledger, ZONE, number)
        assert "the token may use the number" in said
        assert said.count("nothing yet, see that it is subscribed") == 2
        await world.says("hi")
        assert (await look(world.ledger, ZONE, number)).count("nothing yet") == 1
        await world.says("mine", from_me=True, id=f"e-{uuid4()}")
        assert "nothing yet" not in await look(world.ledger, ZONE, number)
        with pytest.raises(ConfigError, match="WHATSAPP_PERMANENT_TOKEN"):
            await look(world.ledger, ZONE, replace(number, token="expired"))
        async with Meta(base) as meta:
            await meta.control(skew=300)
        with pytest.raises(ConfigError, match="clock"):
            await look(world.ledger, ZONE, number)
