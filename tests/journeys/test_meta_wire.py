"""A provider fails on the real wire and Meta is the channel: what the provider says of it reaches nobody."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from secondme.profiles import PROFILES
from tests.journeys.conftest import Open
from tests.llm.asking import KEY, mind, requests
from tests.stubs.processes import anthropic_server, openai_server

FAILED = "SELECT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NULL AND attempts = {})"


@pytest.fixture(scope="module", params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """(base URL, name)"""
    with openai_server() if request.param == "openai" else anthropic_server() as url:
        yield url, request.param


@pytest.mark.parametrize("profile", sorted(PROFILES))
async def test_what_a_provider_says_of_its_failure_reaches_nobody(
    journey: Open, provider: tuple[str, str], profile: str
) -> None:
    """Its body repeats the key and everything it was sent; the contact gets the profile's own line, or nothing."""
    line = PROFILES[profile].when_mind_fails
    url, name = provider
    before = len(await requests(url))
    async with journey(profile, still=True) as told, mind(url, "status-500", name, timeout=20) as asks:
        told.mind.instead = asks
        await told.meta.says("hello")
        for attempts in (1, 2):
            await told.world.until(FAILED.format(attempts), 20)
            told.world.clock.jump(timedelta(seconds=9))
        await told.settled(20)
        assert await told.meta.texts() == ([line] if line else [])
        expected = ("replied", "mind.fallback") if line else ("failed", "mind.failed")
        assert await told.receipts() == [expected]
        assert len(await requests(url)) - before == 3
        wire = json.dumps(await told.meta.sends(None))
        assert KEY not in wire and "Refused" not in wire
