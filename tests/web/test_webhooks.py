"""Meta's webhooks over HTTP's shape: verification, signature, batches, poison, redelivery, and what is durable."""

import json
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio

from secondme.channels.whatsapp_cloud import Number
from secondme.domain.errors import StoreUnavailable
from secondme.embedded import Addresses
from secondme.observe import metrics
from secondme.stores.ledger import people
from secondme.web import webhooks
from secondme.web.asgi import Bare
from secondme.web.gateway import create_gateway
from tests.stubs.meta_graph import APP_SECRET, PHONE_NUMBER_ID, VERIFY_TOKEN
from tests.stubs.meta_webhooks import Item, body, envelope, signature, wamid
from tests.support.world import World

PATH = "/webhooks/whatsapp"
PERSON, USER_ID = "15550100001", "US.13491208655302741918"


@dataclass
class Meta:
    """Whoever posts to the gateway as Meta does."""

    app: Bare
    world: World

    async def call(
        self, method: str, path: str, raw: bytes | None = b"", signed: str | None = None
    ) -> tuple[int, str]:
        """`raw` is None where nobody may read the body."""
        parts, said = urlsplit(path), list[Any]()
        headers = [(b"host", b"example.org"), (b"content-type", b"application/json")]
        headers += [(b"x-hub-signature-256", signed.encode())] if signed is not None else []

        async def receive() -> dict[str, Any]:
            assert raw is not None
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(event: Any) -> None:
            said.append(event)

        query = parts.query.encode()
        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "query_string": query,
            "headers": headers,
        }
        await self.app(scope, receive, send)
        return said[0]["status"], said[1]["body"].decode()

    async def post(self, raw: bytes, path: str = PATH, secret: str = APP_SECRET) -> tuple[int, Any]:
        status, text = await self.call("POST", path, raw, signature(raw, secret))
        return status, json.loads(text)

    async def deliver(self, *items: Item, group: str = "changes", **more: Any) -> int:
        """Post these in one body; returns the status."""
        return (await self.post(body(envelope(items, group)), **more))[0]

    async def value(self, question: str) -> Any:
        return await self.world.value(question)


def number(account: str, phone_number_id: str = PHONE_NUMBER_ID, secret: str = APP_SECRET) -> Number:
    return Number(account, phone_number_id, "token", VERIFY_TOKEN, secret)


NUMBERS = [number("main"), number("journal", "2"), number("other", "3", "another app's secret")]


@pytest_asyncio.fixture
async def meta(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Meta]:
    """A gateway behind which nothing answers; `main` and `journal` share an app, `other` has one of its own."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        for name in list(world.accounts):
            world.accounts[name] = replace(world.accounts[name], channel="whatsapp_cloud")
        world.accounts["other"] = replace(world.accounts["main"], id="other")
        async with world.ledger.transaction() as tx:
            await people.put_accounts(tx, world.accounts.values())

        async def health() -> dict[str, Any]:
            return {"status": "ok", "dependencies": {}}

        app = create_gateway(world.accounts, world.inbox, world.threads, world.clock, health, NUMBERS)
        yield Meta(app, world)


def text(words: str = "hi", who: str | None = PERSON, **more: Any) -> Item:
    return {"kind": "text", "text": words, "from": who, "name": "Ana", "id": wamid(), **more}


def refused() -> float:
    return float(metrics.webhooks_refused.labels("signature")._value.get())


async def test_verification(meta: Meta) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1158201444"}
    for path in (PATH, f"{PATH}/main", f"{PATH}/other"):
        assert await meta.call("GET", f"{path}?{urlencode(asked)}") == (200, "1158201444")
    for wrong in ({"hub.verify_token": "guess"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": "ä"}):
        assert (await meta.call("GET", f"{PATH}?{urlencode(asked | wrong)}"))[0] == 403
    assert (await meta.call("GET", PATH))[0] == 403
    assert (await meta.call("GET", f"{PATH}?{urlencode(asked | {'hub.challenge': ''})}"))[0] == 400
    assert (await meta.call("GET", f"{PATH}/nobody?{urlencode(asked)}"))[0] == 404


async def test_only_what_is_signed_is_believed(meta: Meta) -> None:
    raw, before = body(envelope([text()])), refused()
    wrong = [None, "", "sha256=", signature(raw, "guess"), signature(raw).upper(), signature(raw + b" "), "ä"]
    for signed in wrong:
        status, said = await meta.call("POST", PATH, raw, signed)
        assert status == 401, signed
        assert PERSON not in said
    assert (await meta.call("POST", PATH, b"not JSON", "sha256=0"))[0] == 401
    for unread in (None, "sha256=", signature(raw)[:-1]):
        assert (await meta.call("POST", PATH, None, unread))[0] == 401
    assert refused() - before == len(wrong) + 4
    assert await meta.value("SELECT count(*) FROM messages") == 0
    assert await meta.value("SELECT count(*) FROM kept_aside") == 0
    assert await meta.value("SELECT count(*) FROM contacts") == 0


async def test_what_was_answered_with_200_is_durable(meta: Meta) -> None:
    assert await meta.post(body(envelope([text("hello")]))) == (200, {"ok": True})
    assert await meta.value("SELECT count(*) FROM messages WHERE content_type = 'text'") == 1


@pytest.mark.parametrize("group", ["changes", "values", "entries"])
async def test_the_same_five_times_in_any_order_is_taken_once(meta: Meta, group: str) -> None:
    items = [text(f"n{n}", who=f"1555010000{n % 3}") for n in range(12)] * 5
    random.Random(7).shuffle(items)
    for at in range(0, len(items), 20):
        assert await meta.deliver(*items[at : at + 20], group=group) == 200
    assert await meta.value("SELECT count(*) FROM messages") == 12
    assert await meta.value("SELECT count(*) FROM contacts") == 3


@pytest.mark.parametrize("group", ["values", "entries"])
async def test_a_thousand_in_one_body(meta: Meta, group: str) -> None:
    items = [text(f"n{n}", who=f"155501{n % 40:05}") for n in range(1000)]
    assert await meta.deliver(*items, group=group) == 200
    assert await meta.value("SELECT count(*) FROM messages") == 1000


async def test_poison_is_kept_aside_once_and_the_rest_goes_on(meta: Meta) -> None:
    poison = [
        {"kind": "poison", "message": bad}
        for bad in ("x", {"from": PERSON, "type": "text"}, [PERSON] * 3, {"id": "wamid.A", "from": "\u0007"})
    ]
    items = [text("one"), poison[0], text("two"), *poison[1:], text("three")]
    for _ in range(3):
        assert await meta.deliver(*items) == 200
    assert await meta.value("SELECT count(*) FROM messages") == 3
    assert await meta.value("SELECT count(*) FROM kept_aside WHERE account_id = 'main'") == 4


@pytest.mark.parametrize("number", [PHONE_NUMBER_ID, "999"])
async def test_what_was_kept_aside_of_somebody_goes_when_they_are_forgotten(meta: Meta, number: str) -> None:
    who = {"from": PERSON, "type": "text", "id": wamid()}
    await meta.deliver(text(), {"kind": "poison", "message": who, "number": number})
    await meta.deliver({"kind": "poison", "message": {**who, "from": "15550100002"}, "number": number})
    assert await meta.value("SELECT count(*) FROM kept_aside") == 2
    await meta.world.control.forget(await meta.value("SELECT id FROM contacts"))
    assert await meta.value("SELECT count(*) FROM kept_aside") == 1


@pytest.mark.parametrize("number", [PHONE_NUMBER_ID, "999"])
async def test_what_was_kept_aside_of_somebody_forgotten_is_not_kept_again(meta: Meta, number: str) -> None:
    said = {"from": PERSON, "type": "text", "id": "wamid.A"}
    poison: Item = {"kind": "poison", "message": said, "number": number}
    await meta.deliver(text(), poison)
    await meta.world.control.forget(await meta.value("SELECT id FROM contacts"))
    await meta.deliver(poison)
    assert await meta.value("SELECT count(*) FROM kept_aside") == 0
    await meta.deliver({**poison, "message": {**said, "id": "wamid.B"}})
    assert await meta.value("SELECT count(*) FROM kept_aside") == 1, "what is said later is another's"


async def test_all_poison_of_a_body_is_kept_aside_at_once(meta: Meta) -> None:
    """A body of thousands must not hold its sender, and the ears, for thousands of commits."""
    items = [{"kind": "poison", "message": {"from": f"1555{n:07}", "type": "text"}} for n in range(300)]
    assert await meta.deliver(*items, group="values") == 200
    assert await meta.value("SELECT count(*) FROM kept_aside") == 300
    assert await meta.value("SELECT count(DISTINCT xmin::text) FROM kept_aside") == 1


@pytest.mark.parametrize("raw", [b"", b"not JSON", b"[]", b'{"entry": {}}', b"\xff\xfe", b'{"a":' * 5000])
async def test_a_signed_body_that_nobody_can_read_is_kept_aside(meta: Meta, raw: bytes) -> None:
    for _ in range(2):
        assert await meta.post(raw) == (200, {"ok": True})
    assert await meta.value("SELECT count(*) FROM kept_aside") == 1


async def test_each_number_is_its_accounts_and_only_its_own_app_may_speak_of_it(meta: Meta) -> None:
    await meta.deliver(text("to main"), text("to journal", number="2"), text("to other", number="3"))
    rows = "SELECT array_agg(account_id ORDER BY account_id) FROM messages"
    assert await meta.value(rows) == ["journal", "main"]
    await meta.deliver(text("to other", number="3"), secret="another app's secret")
    await meta.deliver(text("to journal", number="2"), path=f"{PATH}/main")
    assert await meta.value(rows) == ["journal", "journal", "main", "other"], "an app has one address for all"
    assert (await meta.post(body(envelope([text()])), path=f"{PATH}/other"))[0] == 401


async def test_a_number_that_is_not_ours_is_acknowledged(meta: Meta) -> None:
    before = metrics.webhook_others.labels("unknown_number")._value.get()
    assert await meta.deliver(text(number="999"), text(number="999")) == 200
    assert metrics.webhook_others.labels("unknown_number")._value.get() - before == 2
    assert await meta.value("SELECT count(*) FROM messages") == 0


async def test_what_was_said_to_a_number_that_is_not_ours_is_kept_aside_once_and_not_without_end(
    meta: Meta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id may be mistyped, and Meta has no history."""
    monkeypatch.setattr(webhooks, "_STRAYS", 2)
    kept = "SELECT array_agg(account_id || ' ' || error) FROM kept_aside"
    item = text(number="999")
    for _ in range(2):
        await meta.deliver(item)
        await meta.deliver(
            {"kind": "status", "of": wamid(), "status": "read", "from": PERSON, "number": "999"}
        )
    assert await meta.value(kept) == ["main unknown_number"]
    await meta.deliver(*(text(number="999") for _ in range(5)))
    assert await meta.value(kept) == ["main unknown_number"] * 2
    await meta.post(b"not JSON")
    assert await meta.value("SELECT count(*) FROM kept_aside") == 3


async def test_a_store_that_is_away_makes_meta_come_again(meta: Meta) -> None:
    async def away(items: Sequence[Any]) -> list[Any]:
        raise StoreUnavailable("gone")

    meta.world.inbox.accept = away  # type: ignore[method-assign]
    assert await meta.deliver(text()) == 503


async def test_statuses_of_messages_that_are_not_ours_change_nothing(meta: Meta) -> None:
    words: list[Item] = [
        {"kind": "status", "of": wamid(), "status": status, "from": PERSON, "callback": callback}
        for status in ("sent", "delivered", "read", "failed")
        for callback in (None, "x", "1f6c9b0e-0000-4000-8000-000000000000")
    ]
    assert await meta.deliver(*words, group="values") == 200
    assert await meta.value("SELECT count(*) FROM messages") == 0


async def test_what_changes_about_a_person_is_kept_and_ends_silent(meta: Meta) -> None:
    await meta.deliver({"kind": "system", "from": PERSON, "id": wamid(), "contacts": False})
    assert await meta.world.receipts() == [("silent", "message.system")]


async def test_edits_and_deletions_reach_their_messages(meta: Meta) -> None:
    first, second = text("one"), text("two")
    await meta.deliver(first, second)
    await meta.deliver(
        {"kind": "edit", "from": PERSON, "of": first["id"], "text": "won", "id": wamid()},
        {"kind": "revoke", "from": PERSON, "of": second["id"], "id": wamid()},
    )
    assert await meta.value("SELECT count(*) FROM messages WHERE edited_at IS NOT NULL") == 1
    assert await meta.value("SELECT rule FROM messages WHERE erased_at IS NOT NULL") == "message.deleted"


async def test_the_owners_word_in_the_app_is_the_owners(meta: Meta) -> None:
    await meta.deliver(text("hello?"))
    await meta.deliver({"kind": "echo", "from": PERSON, "text": "I am here", "id": wamid()})
    assert await meta.world.receipts() == [("silent", "owner.stepped_in")]
    assert await meta.value("SELECT count(*) FROM pauses WHERE reason = 'owner_word'") == 1
    assert await meta.value("SELECT count(*) FROM contacts") == 1


async def test_a_wrong_secret_is_said_once_in_a_while(meta: Meta, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert (await meta.post(body(envelope([text()], "changes")), secret="not ours"))[0] == 401
    assert sum("webhook.refused" in str(record.msg) for record in caplog.records) == 1
