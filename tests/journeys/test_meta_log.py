"""Our id of a message is enough to read from the log what became of it, and why."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from secondme.observe import logs
from tests.journeys.conftest import Journey, Open
from tests.support.logging import logged, logging_as_it_was

SETTLED = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE kind = 'text' AND error IS NOT NULL AND status <> 'in_flight')"


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[None]:
    with logging_as_it_was():
        logs.configure("gateway", data_dir=tmp_path, stderr=False)
        yield


async def _lines(told: Journey, event: str) -> list[dict[str, Any]]:
    """The lines of that name about the first message."""
    message = await told.world.value("SELECT id FROM messages ORDER BY seq LIMIT 1")
    return [line for line in logged(told.world.folder, "gateway", message) if line["event"] == event]


@pytest.mark.parametrize(
    ("code", "status", "level", "rule"),
    [
        (130429, "retry", "info", None),
        (131056, "retry", "info", None),
        (190, "retry", "warning", None),
        (131026, "failed", "warning", "outbox.undeliverable"),
        (131000, "uncertain", "warning", None),
    ],
)
async def test_what_did_not_leave_says_why(
    journey: Open, code: int, status: str, level: str, rule: str | None
) -> None:
    async with journey("journal", still=True) as told:
        await told.meta.fault(code)
        await told.meta.says("hello")
        await told.world.until(SETTLED)
        (line,) = await _lines(told, "delivery.settled")
        assert (line["status"], line["level"], line.get("rule")) == (status, level, rule)
        assert str(code) in line["error"]
        told.world.clock.jump(timedelta(minutes=2))


async def test_what_left_has_no_reason(journey: Open) -> None:
    async with journey("journal") as told:
        await told.meta.says("hello")
        await told.settled()
        (line,) = await _lines(told, "delivery.settled")
        assert (line["status"], line["level"], line.get("error")) == ("sent", "info", None)


async def test_each_later_word_of_the_provider_has_its_line(journey: Open) -> None:
    async with journey("journal") as told:
        await told.meta.control(statuses=False)
        await told.meta.says("hello")
        await told.settled()
        (send,) = await told.meta.sends()
        for word in ("sent", "delivered", "read"):
            await told.meta.status(send, word)
        await told.meta.status(send, "failed", code=131026)
        stranger = {"kind": "status", "of": "wamid.NOT-OURS", "from": "15550100001", "status": "read"}
        await told.meta.sent(stranger)
        lines = await _lines(told, "delivery.status")
        assert [line["status"] for line in lines] == ["sent", "delivered", "read", "failed"]
        assert {line["delivery_id"] for line in lines} == {send["body"]["callback"]}
        assert (lines[-1]["level"], lines[-1]["rule"]) == ("warning", "outbox.undeliverable")
