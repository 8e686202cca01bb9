"""What doctor says about numbers on Meta's API: against the stub, a ledger, and a gateway that listens."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from secondme.cli import meta
from secondme.cli.doctor import clock
from secondme.cli.findings import Finding
from secondme.domain.errors import ConfigError
from secondme.embedded import Addresses
from secondme.meaning import make_numbers
from secondme.settings import Settings
from tests.stubs.meta_apps import APP_ID, OTHER_APP_ID
from tests.stubs.meta_driver import Meta
from tests.stubs.meta_graph import ACCOUNT_ID, APP_SECRET, PHONE_NUMBER_ID, TOKEN, VERIFY_TOKEN
from tests.stubs.processes import meta_network
from tests.support.world import World

ACCOUNTS = [{"id": name, "channel": "whatsapp_cloud", "phone_number_id": id_} for name, id_ in
            (("main", PHONE_NUMBER_ID), ("journal", "999"))]  # fmt: skip


@pytest_asyncio.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Meta]:
    with meta_network(tmp_path / "log") as base:
        async with Meta(base) as meta:
            yield meta


def settings(base: str = "http://127.0.0.1:1", **more: Any) -> Settings:
    given: dict[str, Any] = {
        "channel": "whatsapp_cloud",
        "whatsapp_phone_number_id": PHONE_NUMBER_ID,
        "whatsapp_permanent_token": TOKEN,
        "whatsapp_verify_token": VERIFY_TOKEN,
        "whatsapp_app_secret": APP_SECRET,
        "whatsapp_api_base_url": base,
    }
    return Settings.model_validate(given | more)


async def test_a_look_at_a_number(stub: Meta) -> None:
    own = settings(stub.base)
    number = make_numbers(own)["main"]
    said = await meta.look(own, number)
    assert "the token may use the number" in said and "the app secret is that of the token's app" in said
    with pytest.raises(ConfigError, match="WHATSAPP_PERMANENT_TOKEN"):
        await meta.look(own, replace(number, token="expired"))
    await stub.control(skew=300)
    with pytest.raises(ConfigError, match="clock"):
        await meta.look(own, number)


async def test_a_wrong_app_secret_is_found_before_anything_was_posted(stub: Meta) -> None:
    """By the proof that Meta checks; what is told is where that account's secret stands."""
    wrong = "0123456789abcdef0123456789abcdef"
    for own, place in (
        (settings(stub.base, whatsapp_app_secret=wrong), "WHATSAPP_APP_SECRET is not"),
        (
            settings(stub.base, accounts=[ACCOUNTS[0] | {"app_secret": wrong}]),
            r"accounts\[0\].app_secret .* is not",
        ),
    ):
        with pytest.raises(ConfigError, match=place) as raised:
            await meta.look(own, make_numbers(own)["main"])
        assert wrong not in str(raised.value)


SUBSCRIPTION = "subscription of main"


async def subscription(base: str, **more: Any) -> list[Finding]:
    own = settings(base, whatsapp_business_account_id=ACCOUNT_ID, **more)
    return await meta.subscriptions(own, make_numbers(own))


async def test_whether_meta_posts_to_the_app(stub: Meta) -> None:
    said = f"the token's app ({APP_ID}) is subscribed to the WhatsApp Business Account"
    await stub.control(apps=[OTHER_APP_ID, APP_ID], proof=True)
    assert await subscription(stub.base) == [Finding(SUBSCRIPTION, note=said)]
    for apps in ([], [OTHER_APP_ID]):
        await stub.control(apps=apps)
        (found,) = await subscription(stub.base)
        assert found.wrong is not None and "so Meta posts nothing to it" in found.wrong
        assert (
            f"curl -X POST -H 'Authorization: Bearer TOKEN' {stub.api}/{ACCOUNT_ID}/subscribed_apps"
            in found.wrong
        )
        assert "WHATSAPP_PERMANENT_TOKEN as TOKEN" in found.wrong and TOKEN not in found.wrong


async def test_apps_are_shown_where_meta_does_not_tell_whose_the_token_is(stub: Meta) -> None:
    await stub.control(apps=[OTHER_APP_ID], inspects=False)
    (found,) = await subscription(stub.base)
    assert found.wrong is None and found.note.endswith(
        f": {OTHER_APP_ID}; see that your app's id is among them"
    )
    await stub.control(apps=[])
    (found,) = await subscription(stub.base)
    assert found.wrong is not None and "so Meta posts nothing to it" in found.wrong


async def test_a_subscription_that_cannot_be_asked(stub: Meta) -> None:
    own = settings(stub.base)
    assert await meta.subscriptions(own, make_numbers(own)) == [], "without the account's id nobody can"
    (found,) = await subscription(stub.base, whatsapp_permanent_token="expired")
    assert found.wrong is not None and "WHATSAPP_PERMANENT_TOKEN" in found.wrong
    shop = ACCOUNTS[0] | {"id": "shop", "business_account_id": "1"}
    (found,) = await subscription(stub.base, accounts=[shop])
    assert found.wrong is not None and "accounts[0].business_account_id (account shop)" in found.wrong


@pytest_asyncio.fixture
async def world(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(addresses, template, tmp_path, network="whatsapp_cloud") as opened:
        yield opened


async def test_what_phones_said_that_exist_only_here_was_not_heard(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    """The account was on the simulator before it went live."""
    async with World.open(addresses, template, tmp_path) as before:
        await before.says("hi")
        assert (await meta.heard(settings(), before.ledger, "main")).count("nothing yet") == 2


async def test_what_has_been_heard(world: World) -> None:
    own = settings()
    assert (await meta.heard(own, world.ledger, "main")).count("nothing yet, see that it is subscribed") == 2
    await world.says("hi")
    assert (await meta.heard(own, world.ledger, "main")).count("nothing yet") == 1
    await world.says("mine", from_me=True, id=f"e-{uuid4()}")
    assert "nothing yet" not in await meta.heard(own, world.ledger, "main")


async def test_a_mistyped_number_is_told_by_what_nobody_took(world: World) -> None:
    """Which account it is: the one that has heard nothing since. What was said is not told."""
    own, accounts = settings(accounts=ACCOUNTS), ("main", "journal")
    assert "nothing was said" in await meta.stray(own, world.ledger, accounts)
    for text in ("one CANARY", "two CANARY"):
        stray = f'{{"metadata": {{"phone_number_id": "1234567"}}, "messages": [{{"text": "{text}"}}]}}'
        await world.inbox.keep_aside("main", stray.encode(), "unknown_number")
    await world.inbox.keep_aside("main", b"something else", "shape")
    await world.says("hi", account="main")
    with pytest.raises(ConfigError) as raised:
        await meta.stray(own, world.ledger, accounts)
    said = str(raised.value)
    assert said.startswith("2 messages to a number that is not set up here (phone_number_id 1234567)")
    assert "accounts[1].phone_number_id (account journal) is likely wrong" in said
    assert "main" not in said and "CANARY" not in said
    await world.says("hi", account="journal")
    assert "another number of the same app" in await meta.stray(own, world.ledger, accounts)


async def test_a_clock_far_from_postgres_is_told(world: World) -> None:
    assert "agrees with Postgres to 0.0 s" in await clock(world.ledger, world.clock.now)
    for hours in (1, -2):
        world.clock.jump(timedelta(hours=hours))
        with pytest.raises(ConfigError, match="3600 s apart: set both by NTP"):
            await clock(world.ledger, world.clock.now)
