"""The services as they are wired keep to Meta's pace."""

import asyncio
import time
from pathlib import Path
from typing import Any

from secondme.embedded import Addresses
from tests.stubs.meta_driver import Meta
from tests.web.conftest import opened

ANA = "15550100001"


async def sent_for(meta: Meta, seconds: float, enough: int) -> list[float]:
    """When each text left, in seconds since the first; those of the first so many seconds, or so many."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        moments = sorted(line["first"] / 1e9 for line in await meta.sends("text"))
        if len(moments) >= enough or (moments and time.monotonic() - moments[0] > seconds):
            return [moment - moments[0] for moment in moments]
        await asyncio.sleep(0.1)
    raise AssertionError("nothing was sent")


def settings(meta: Meta, **more: Any) -> dict[str, Any]:
    found = {name.lower(): value for name, value in meta.settings().items() if name.startswith("WHATSAPP")}
    quick = {"pacing": "none", "debounce": "0", "models": "offline"}
    return found | quick | {"channel": "whatsapp_cloud", "profile": "journal"} | more


async def test_one_person_gets_45_at_once_and_then_one_in_six_seconds(
    addresses: Addresses, template: str, tmp_path: Path, meta: Meta
) -> None:
    async with opened(addresses, template, tmp_path, **settings(meta)) as desk:
        await meta.control(gateway=desk.gateway)
        notes = [{"kind": "text", "from": ANA, "name": "Ana", "text": f"note {n}"} for n in range(52)]
        assert (await meta.deliver(notes, batch=52))["answers"][0][0] == 200
        moments = await sent_for(meta, 13, enough=52)
        assert len(moments) >= 45, "the burst is not held back"
        for number, moment in enumerate(moments, 1):
            assert number <= 45 + (moment + 0.5) / 6, f"{number} after {moment:.1f} s"
