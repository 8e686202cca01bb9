"""The real commands with Meta's channel: what is missing is named at once, and doctor asks Meta itself."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio

from tests.cli.conftest import RUNNING, Instance, an_instance
from tests.stubs.meta_driver import Meta

NEEDED = (
    "WHATSAPP_PHONE_NUMBER_ID",
    "WHATSAPP_PERMANENT_TOKEN",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_APP_SECRET",
)


@pytest.fixture
def instance() -> Iterator[Instance]:
    with an_instance() as made:
        for name in [name for name in made.env if name.startswith("WHATSAPP_")]:
            del made.env[name]
        yield made


@pytest_asyncio.fixture
async def settings(meta: Meta) -> AsyncIterator[dict[str, str]]:
    yield meta.settings()


@pytest.mark.parametrize("command", ["gateway", "up"])
def test_every_missing_setting_is_named_at_once(instance: Instance, command: str) -> None:
    said = instance.refused(command, SECONDME_CHANNEL="whatsapp_cloud")
    assert all(name in said for name in NEEDED), said


def test_only_what_is_missing_is_named(instance: Instance, settings: dict[str, str]) -> None:
    without = {name: value for name, value in settings.items() if name != "WHATSAPP_APP_SECRET"}
    said = instance.refused("gateway", **without)
    assert [name for name in NEEDED if name in said] == ["WHATSAPP_APP_SECRET"]
    assert settings["WHATSAPP_PERMANENT_TOKEN"] not in said


@pytest.mark.timeout(180)
async def test_a_whole_instance_answers_over_meta(
    instance: Instance, settings: dict[str, str], meta: Meta
) -> None:
    """`secondme up` as an owner starts it, with the offline mind; then doctor, with Meta's clock right and wrong."""
    more = settings | {"SECONDME_PROFILE": "journal"}
    with instance.start("up", **more) as running:
        running.until(RUNNING)
        await meta.control(gateway=f"http://127.0.0.1:{instance.port('GATEWAY_PORT')}", statuses=True)
        ids = [await meta.says(f"n{number}") for number in range(3)]
        await meta.until(lambda lines: sum(line["body"]["type"] == "text" for line in lines) == 3)
        assert await meta.texts() == ["Noted."] * 3
        assert all(line["taken"] for line in await meta.sends(None)), ids
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{instance.port('GATEWAY_PORT')}/health") as health,
        ):
            assert health.status == 200
        well = instance.run("doctor", code=0, typed="", **more).stdout
        assert "quality green" in well
        await meta.control(skew=-600)
        assert "clock" in instance.run("doctor", code=1, typed="", **more).stdout
        await meta.control(skew=0, token="another")
        assert "WHATSAPP_PERMANENT_TOKEN" in instance.run("doctor", code=1, typed="", **more).stdout
        running.stop()
