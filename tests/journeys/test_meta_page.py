"""What the owner sees of people on Meta's API: until when free text may go to them, and why an answer did not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from secondme.embedded import Addresses
from tests.stubs.meta_driver import Meta
from tests.web.conftest import Desk, opened

EVERY = pytest.mark.parametrize("profile", ["clone", "support", "journal"])
DAY = timedelta(hours=24)

type Page = Callable[[str], AbstractAsyncContextManager[Desk]]


@pytest.fixture
def page(addresses: Addresses, template: str, tmp_path: Path, meta: Meta) -> Page:
    """Opens the dashboard, and the services behind it, of one number whose new contacts are answered."""

    @asynccontextmanager
    async def open_page(profile: str) -> AsyncIterator[Desk]:
        wanted: dict[str, Any] = {
            name.lower(): value for name, value in meta.settings().items() if name.startswith("WHATSAPP")
        }
        wanted |= {"channel": "whatsapp_cloud", "profile": profile, "new_contacts": "enabled"}
        async with opened(addresses, template, tmp_path, **wanted) as desk:
            await meta.control(gateway=f"http://127.0.0.1:{desk.app.settings.gateway_port}")
            yield desk

    return open_page


async def _person(desk: Desk) -> dict[str, Any]:
    (person,) = (await desk.get("/api/people"))[1]["people"]
    return dict(person)


def _moment(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


@EVERY
async def test_the_page_says_until_when_free_text_may_go(page: Page, meta: Meta, profile: str) -> None:
    async with page(profile) as desk:
        written = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
        await meta.says("hello", at=written.timestamp())
        (account,) = (await desk.get("/api/state"))[1]["accounts"]
        assert account["windowHours"] == 24
        person = await _person(desk)
        assert _moment(person["windowUntil"]) == written + DAY
        shown = (await desk.get(f"/api/conversations/{person['conversationId']}"))[1]["person"]
        assert shown["windowUntil"] == person["windowUntil"]
        await meta.says("and?", at=(written + timedelta(minutes=5)).timestamp())
        assert _moment((await _person(desk))["windowUntil"]) == written + timedelta(minutes=5) + DAY


async def test_what_the_page_says_is_what_the_fence_does(page: Page, meta: Meta) -> None:
    async with page("journal") as desk:
        written = datetime.now(UTC).replace(microsecond=0) - DAY - timedelta(seconds=1)
        await meta.says("hello", at=written.timestamp())
        person = await _person(desk)
        assert _moment(person["windowUntil"]) == written + DAY < datetime.now(UTC)
        (bubble,) = await desk.until(person["conversationId"], lambda found: found[0]["status"] == "silent")
        assert (bubble["rule"], bubble["reason"]) == ("window.closed", "24-hour window closed")
        await meta.says("and now")
        bubbles = await desk.until(person["conversationId"], lambda found: found[-1]["by"] == "bot")
        assert len(bubbles) == 3
        assert _moment((await _person(desk))["windowUntil"]) > datetime.now(UTC)


async def test_whom_only_the_owner_wrote_to_has_no_open_window(page: Page, meta: Meta) -> None:
    async with page("clone") as desk:
        await meta.owner_says("It is me.")
        assert (await _person(desk))["windowUntil"] is None


@EVERY
async def test_131047_is_a_closed_window_to_the_owner_too(page: Page, meta: Meta, profile: str) -> None:
    """Meta sees the window otherwise than we do: nothing arrives, nothing is tried again, and the page says why."""
    async with page(profile) as desk:
        await meta.fault(131047)
        await meta.says("hello")
        where = (await _person(desk))["conversationId"]
        (bubble,) = await desk.until(where, lambda found: found[0]["status"] == "failed")
        assert (bubble["rule"], bubble["reason"]) == ("outbox.window_closed", "24-hour window closed")
        _, why = await desk.get(f"/api/why/{bubble['id']}")
        assert (why["outcome"], why["rule"]) == ("failed", "outbox.window_closed")
        assert why["summary"] == "Could not be answered."
        assert "only within 24 hours of the contact's last message" in why["sentence"]
        steps = [(step["label"], step["note"], step["mark"]) for step in why["steps"][-2:]]
        assert steps == [
            ("Did not leave", "Meta refused it (131047).", "no"),
            ("Could not be answered", "24-hour window closed", "no"),
        ]
        assert (await desk.get("/api/state"))[1]["receipts"] == {"failed outbox.window_closed": 1}
        await asyncio.sleep(1.5)
        (send,) = await meta.sends()
        assert (send["taken"], send["status"]) == (False, 400)
        await meta.says("are you there?")
        await desk.until(where, lambda found: found[-1]["by"] == "bot")
        assert len(await meta.texts()) == 1, "they wrote again, so the window is open"
