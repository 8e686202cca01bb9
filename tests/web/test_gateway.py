"""The gateway's HTTP surface, called as a server calls it: the simulator's paths, health, metrics, and refusals."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from secondme.embedded import Addresses
from tests.support.world import World, with_database
from tests.web.calling import ANA, MEBIBYTE, Gateway, gateway_of
from tests.web.conftest import opened

METRICS = (  # the documented names, as a scrape shows them
    "whatsapp_connected",
    "messages_received_total",
    "tokens_used_total",
    "cache_hit_rate",
    "active_pauses_total",
    "secondme_stage_seconds",
    "secondme_receipts_total",
    "secondme_deliveries_total",
    "secondme_kept_aside_total",
    "secondme_invariant_breaches_total",
    "secondme_due_conversations",
    "secondme_mind_failures_total",
)


@pytest_asyncio.fixture
async def gateway(world: World) -> Gateway:
    return gateway_of(world)


@pytest_asyncio.fixture
async def ears(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway behind which nothing answers: for refusals, and for what is durable at once."""
    async with World.open(addresses, template, tmp_path, run=False) as world:
        yield gateway_of(world)


async def test_a_message_is_taken_and_the_thread_shows_it_with_its_answer(gateway: Gateway) -> None:
    message = await gateway.says("hi")
    await gateway.world.settled()
    first, second = await gateway.thread()
    assert (first["id"], first["direction"], first["text"], first["status"]) == (
        message,
        "incoming",
        "hi",
        "replied",
    )
    assert (second["direction"], second["text"], second["status"]) == ("outgoing", "re: hi", "delivered")
    assert first["at"] < second["at"]
    assert (first["quotes"], second["quotes"]) == (None, None)


async def test_the_answer_comes_after_the_commit(ears: Gateway) -> None:
    await ears.says("hi")
    assert await ears.taken() == 1
    assert [item["status"] for item in await ears.thread()] == ["waiting"]


async def test_what_arrived_together_is_listed_in_the_order_of_arrival(ears: Gateway) -> None:
    texts = [f"n{number}" for number in range(6)]
    await asyncio.gather(*(ears.says(text) for text in texts))
    items = await ears.thread()
    assert [item["text"] for item in items] == texts
    assert len({item["at"] for item in items}) < len(items), "they were not committed as one group"


async def test_threads_are_apart(ears: Gateway) -> None:
    await ears.says("to the clone")
    await ears.says("to the journal", account="journal")
    await ears.says("from somebody else", who="+15550101")
    assert [item["text"] for item in await ears.thread()] == ["to the clone"]
    assert [item["text"] for item in await ears.thread(account="journal")] == ["to the journal"]
    assert [item["text"] for item in await ears.thread("+1 (555) 0101")] == ["from somebody else"]
    assert await ears.thread("+15550199") == []


async def test_the_owner_writes_from_their_own_phone(gateway: Gateway) -> None:
    await gateway.says("I will call you", fromMe=True)
    await gateway.says("ok")
    await gateway.world.settled()
    mine, theirs = await gateway.thread()
    assert (mine["direction"], mine["by"], mine["status"]) == ("outgoing", "owner", "sent")
    assert (theirs["status"], theirs["rule"]) == ("silent", "contact.paused")
    assert gateway.world.phones.texts() == []


async def test_a_reply_quotes_what_it_replies_to(gateway: Gateway) -> None:
    first = await gateway.says("shall we climb?")
    await gateway.world.settled()
    answer = (await gateway.thread())[-1]["id"]
    await gateway.says("as I said", replyTo=first)
    await gateway.says("what do you mean", replyTo=answer)
    await gateway.says("lost", replyTo="never-seen")
    quotes = {item["text"]: item["quotes"] for item in await gateway.thread() if item["by"] == "contact"}
    assert quotes == {
        "shall we climb?": None,
        "as I said": first,
        "what do you mean": answer,
        "lost": None,
    }


async def test_edits_and_deletions_before_the_answer(gateway: Gateway) -> None:
    gateway.world.mind.seconds = 0.3
    edited, deleted = await gateway.says("frist"), await gateway.says("oops")
    await gateway.says("first", edits=edited)
    status, _ = await gateway.post({"from": ANA, "deletes": deleted})
    assert status == 200
    await gateway.says("👍", reactsTo=edited)
    await gateway.world.settled()
    items = {item["id"]: item for item in await gateway.thread()}
    assert items[edited]["text"] == "first"
    assert (items[deleted]["text"], items[deleted]["rule"]) == (None, "message.deleted")
    assert gateway.world.phones.texts() == ["re: first"]


async def test_the_same_message_id_changes_nothing(gateway: Gateway) -> None:
    assert await gateway.says("hi", messageId="m-1") == "m-1"
    assert await gateway.says("hi again", messageId="m-1") == "m-1"
    await gateway.world.settled()
    await gateway.says("late copy", messageId="m-1")
    assert [item["text"] for item in await gateway.thread()] == ["hi", "re: hi"]
    # Ids are the senders' to choose: somebody else's is another message.
    await gateway.says("mine", who="+15550101", messageId="m-1")
    await gateway.world.settled()
    assert gateway.world.phones.texts() == ["re: hi", "re: mine"]


async def test_a_status_moves_the_ticks_and_never_back(gateway: Gateway) -> None:
    await gateway.says("hi")
    await gateway.world.settled()
    answer = (await gateway.thread())[-1]["id"]
    for word in ("read", "delivered"):
        body = json.dumps({"messageId": answer, "status": word}).encode()
        assert await gateway.call("POST", "/simulator/statuses", body) == (200, {"ok": True})
        assert (await gateway.thread())[-1]["status"] == "read"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", "JSON object"),
        (b'"hi"', "JSON object"),
        (b'{"text": "hi"}', '"from"'),
        (b'{"from": "+15550100"}', '"text"'),
        (b'{"from": 15550100, "text": "hi"}', '"from"'),
        (b'{"from": "+15550100", "text": ["hi"]}', '"text"'),
        (b'{"from": "+15550100", "text": "hi", "fromMe": "yes"}', "fromMe"),
        (b'{"from": "+15550100", "text": "hi", "replyTo": 7}', "replyTo"),
        (b'{"from": "\\u0000", "text": "hi"}', "address"),
        (b'{"from": "+15550100", "text": "hi", "account": ["main"]}', "account"),
    ],
)
async def test_a_bad_body_is_named_and_nothing_is_taken(ears: Gateway, body: bytes, says: str) -> None:
    status, answer = await ears.post(body)
    assert status == 400, answer
    assert says in answer["error"]
    assert await ears.taken() == 0


async def test_what_a_web_page_elsewhere_can_send_is_refused(ears: Gateway) -> None:
    """A form or a plain fetch needs no leave to post these types; a rebound name comes with a foreign Host."""
    body = {"from": ANA, "text": "hi"}
    for kind in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert (await ears.post(body, kind=kind))[0] == 400, kind
    for host in (None, "", "evil.example", "evil.example:3001", "127.0.0.1.evil.example:3001", "192.168.1.4"):
        assert (await ears.post(body, host=host))[0] == 403, host
        assert (await ears.call("GET", "/simulator/messages?with=x", host=host))[0] == 403, host
    assert await ears.taken() == 0
    for host in ("localhost", "localhost:3001", "127.0.0.1", "[::1]:3001"):
        assert (await ears.post(body, host=host))[0] == 200, host
    assert (await ears.post(body, kind="application/json; charset=utf-8"))[0] == 200


async def test_a_body_over_four_mebibytes_is_too_large(ears: Gateway) -> None:
    frame = len(json.dumps({"from": ANA, "text": ""}))
    whole = {"from": ANA, "text": "x" * (4 * MEBIBYTE - frame)}
    assert (await ears.post(whole))[0] == 200
    over = json.dumps({"from": ANA, "text": "x" * (4 * MEBIBYTE - frame + 1)}).encode()
    status, answer = await ears.post(over)
    assert (status, await ears.taken()) == (413, 1)
    assert str(4 * MEBIBYTE) in answer["error"]


async def test_an_unknown_account_is_not_found(ears: Gateway) -> None:
    status, answer = await ears.post({"from": ANA, "text": "hi", "account": "nobody"})
    assert (status, await ears.taken()) == (404, 0)
    assert "main, journal" in answer["error"]
    assert (await ears.call("GET", "/simulator/messages?with=x&account=nobody"))[0] == 404
    assert (await ears.call("GET", "/simulator/messages"))[0] == 400


async def test_unknown_paths_and_methods(ears: Gateway) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("POST", "/simulator/messages/", 404),
        ("DELETE", "/simulator/messages", 405),
        ("GET", "/simulator/statuses", 405),
        ("POST", "/health", 405),
    ):
        found, answer = await ears.call(method, path, b"{}")
        assert (found, set(answer)) == (status, {"error"}), path


async def test_text_that_no_column_can_hold_is_taken_without_what_breaks_it(ears: Gateway) -> None:
    """A NUL and half a surrogate pair are JSON and no text: the sender can do nothing about them."""
    assert (await ears.post(b'{"from": "+15550100", "text": "a\\ud800b"}'))[0] == 200
    await ears.says("a\x00b")
    assert [item["text"] for item in await ears.thread()] == ["a?b", "ab"]


async def test_health_is_for_machines(ears: Gateway) -> None:
    assert await ears.call("GET", "/health", host="elsewhere") == (200, ears.state)
    ears.state = {"status": "degraded"}
    assert (await ears.call("GET", "/health"))[0] == 200
    ears.state = {"status": "down"}
    assert await ears.call("GET", "/health") == (503, {"status": "down"})


async def test_metrics_have_the_documented_names_and_no_content(ears: Gateway) -> None:
    await ears.says("a-canary-in-the-text", who="+15550177", name="Canary Ana")
    status, page = await ears.call("GET", "/metrics")
    assert status == 200
    assert [name for name in METRICS if f"# HELP {name} " not in page] == []
    assert 'messages_received_total{channel="simulator"}' in page
    assert not any(word in page.lower() for word in ("canary", "5550177"))


async def test_the_real_gateway_says_what_it_depends_on(
    addresses: Addresses, template: str, tmp_path: Path
) -> None:
    async with opened(addresses, template, tmp_path, services=("gateway", "dashboard")) as desk:
        base = f"http://127.0.0.1:{desk.services['gateway'].port}"
        async with aiohttp.ClientSession() as client, client.get(f"{base}/health") as answer:
            state = await answer.json()
            assert (answer.status, state["service"]) == (200, "gateway")
            assert {"postgres", "redis"} <= set(state["dependencies"])


async def test_without_its_ledger_nothing_is_taken(ears: Gateway) -> None:
    """The database has ended its connections and takes no new ones; afterwards everything works again."""
    name = urlsplit(ears.world.dsn).path[1:]
    operator = await asyncpg.connect(with_database(ears.world.dsn, "postgres"))
    try:
        await operator.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        await operator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )
        status, answer = await ears.post({"from": ANA, "text": "hi"})
        assert (status, answer["error"]) == (503, "A store does not answer; try again.")
        assert (await ears.call("GET", f"/simulator/messages?{urlencode({'with': ANA})}"))[0] == 503
    finally:
        await operator.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        await operator.close()
    assert await ears.taken() == 0
    await ears.says("hi")
    assert await ears.taken() == 1
