"""What the page shows where accounts have gone live, and where something outside refuses them."""

from dataclasses import replace
from pathlib import Path

import pytest

from secondme.embedded import Addresses
from secondme.web import neighbours
from tests.web.conftest import Desk, opened, turned

LIVE = {
    "channel": "whatsapp_cloud",
    "whatsapp_phone_number_id": "1",
    "whatsapp_permanent_token": "t",
    "whatsapp_verify_token": "v",
    "whatsapp_app_secret": "s",
    "whatsapp_api_base_url": "http://127.0.0.1:1",
}


async def title(desk: Desk) -> str:
    async with desk.session.get(f"{desk.base}/simulator") as answer:
        return (await answer.text()).partition("<title>")[2].partition("<")[0]


async def test_who_wrote_before_an_account_went_live_is_listed_no_longer(desk: Desk) -> None:
    await desk.says("hello?")
    assert await title(desk) == "Simulator · SecondMe"
    assert len((await desk.get("/api/people"))[1]["people"]) == 1
    desk.app.accounts["main"] = replace(desk.app.accounts["main"], channel="whatsapp_cloud")
    assert (await desk.get("/api/people"))[1]["people"] == []
    del desk.app.accounts["main"]
    assert (await desk.get("/api/people"))[1]["people"] == []


async def test_what_keeps_it_from_working_is_told(
    addresses: Addresses, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_LOOKS_EVERY", 0.05)
    async with opened(addresses, template, tmp_path, ("gateway", "dashboard"), **LIVE) as desk:
        assert await title(desk) == "Conversations · SecondMe"

        async def told() -> bool:
            said = ["channel of main: does not answer (ClientConnectorError)"]
            return bool((await desk.get("/api/state"))[1]["troubles"] == said)

        await turned(told)
