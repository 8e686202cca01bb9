"""The gateway over HTTP: who is not let in, and what is not taken."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.support.world import World
from tests.web.phone import ANA, Phones, phones_fixture, served

__all__ = ["phones_fixture"]

LARGEST = 4 * 1024 * 1024  # bytes of a body
HELLO = {"from": ANA, "text": "hi"}
REFUSED = (400, ["error"])
UNREADABLE = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'"hi"',
    b"7",
    b"[" * 100_000,
    b'{"from": "+15550100"}',
    b'{"text": "hi"}',
    b'{"from": "", "text": "hi"}',
    b'{"from": "+15550100", "text": ""}',
    b'{"from": "+15550100", "text": null}',
    b'{"from": "+15550100", "text": 7}',
    b'{"from": 15550100, "text": "hi"}',
    b'{"from": "\\u0000", "text": "hi"}',
    b'{"from": "a\\nb", "text": "hi"}',
    b'{"from": "+15550100", "text": "hi", "fromMe": "yes"}',
    b'{"from": "+15550100", "text": "hi", "name": 7}',
    b'{"from": "+15550100", "text": "hi", "replyTo": {}}',
    b'{"from": "+15550100", "text": "hi", "messageId": []}',
    b'{"from": "+15550100", "edits": "a"}',
    b'{"from": "+15550100", "text": "hi", "account": []}',
    b'{"from": "+15550100", "text": "hi", "account": {"a": 1}}',
]
SENDABLE_FROM_ANYWHERE = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "",
    "text/json",
)
FOREIGN = (
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "evil.example:127.0.0.1",
    "",
)


async def test_what_cannot_be_read_is_named_and_nothing_is_stored(phones: Phones) -> None:
    answers = {body[:60]: await phones.raw(body) for body in UNREADABLE}
    assert [b for b, (status, answer) in answers.items() if (status, list(answer)) != REFUSED] == []
    assert await phones.stored() == 0


async def test_a_status_that_says_nothing_is_refused(phones: Phones) -> None:
    said: list[dict[str, Any]] = [{}, {"messageId": "a"}]
    words: list[Any] = ["eaten", 7, ["read"], {}, None, True]
    said += [{"messageId": "a", "status": word} for word in words]
    for body in said:
        status, answer = await phones.post("/simulator/statuses", **body)
        assert (status, "status" in answer["error"]) == (400, True), body


async def test_what_a_page_elsewhere_can_send_is_refused(phones: Phones) -> None:
    """A form or a script may post these types to another origin without asking."""
    body = json.dumps(HELLO).encode()
    for content_type in SENDABLE_FROM_ANYWHERE:
        for path in ("/simulator/messages", "/simulator/statuses"):
            headers = {"Content-Type": content_type}
            answer = await phones.ask("POST", path, data=body, headers=headers)
            assert answer == (400, {"error": "Send the body as application/json."})
    assert await phones.stored() == 0
    assert (await phones.raw(body, "application/json; charset=utf-8"))[0] == 200


async def test_a_foreign_host_is_refused(phones: Phones) -> None:
    """A page elsewhere whose name leads here (DNS rebinding)."""
    for host in FOREIGN:
        for method, path in (("POST", "messages"), ("POST", "statuses"), ("GET", "messages?with=a")):
            body = HELLO if method == "POST" else None
            status, answer = await phones.ask(method, f"/simulator/{path}", json=body, headers={"Host": host})
            assert (status, list(answer)) == (403, ["error"]), host
    assert await phones.stored() == 0


async def test_this_machines_own_names_are_welcome(phones: Phones) -> None:
    for host in ("localhost", "localhost:3001", "127.0.0.1", "[::1]:3001", "[::1]"):
        answer = await phones.ask("POST", "/simulator/messages", json=HELLO, headers={"Host": host})
        assert answer[0] == 200, host


def padded(size: int) -> bytes:
    head = json.dumps({**HELLO, "padding": ""}).encode()
    return head[:-2] + b"x" * (size - len(head)) + b'"}'


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_the_largest_body_is_taken_and_a_larger_one_is_not(phones: Phones) -> None:
    assert (await phones.raw(padded(LARGEST)))[0] == 200
    status, answer = await phones.raw(padded(LARGEST + 1))
    assert (status, str(LARGEST) in answer["error"]) == (413, True)
    assert await phones.stored() == 1


async def test_a_body_that_does_not_say_its_size_is_cut_off_too(phones: Phones) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(4000):
            sent += 65536
            yield b" " * 65536

    try:
        headers = {"Content-Type": "application/json"}
        status, _ = await phones.ask("POST", "/simulator/messages", data=pieces(), headers=headers)
    except aiohttp.ClientError:
        status = 413
    assert status == 413
    assert sent < 40 * LARGEST
    assert await phones.stored() == 0


async def test_an_unknown_account_is_named_with_those_there_are(phones: Phones) -> None:
    for account in ("nobody", "", "MAIN"):
        for status, answer in (
            await phones.post(**HELLO, account=account),
            await phones.post("/simulator/statuses", messageId="a", status="read", account=account),
            await phones.ask("GET", "/simulator/messages", params={"with": ANA, "account": account or "x"}),
        ):
            assert 400 <= status < 500
            assert "main, journal" in answer["error"]
    assert await phones.stored() == 0


async def test_a_thread_needs_to_know_whose(phones: Phones) -> None:
    for query in ("", "?with=", "?with=%00", "?width=a"):
        status, answer = await phones.ask("GET", f"/simulator/messages{query}")
        assert (status, list(answer)) == REFUSED, query


async def test_there_are_no_other_ways_in(phones: Phones) -> None:
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", "/simulator", 404),
        ("GET", "/simulator/messages/", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/webhooks/whatsapp", 404),
        ("PUT", "/simulator/messages", 405),
        ("DELETE", "/simulator/messages", 405),
        ("OPTIONS", "/simulator/messages", 405),
        ("GET", "/simulator/statuses", 405),
        ("POST", "/health", 405),
    ):
        got, answer = await phones.ask(method, path)
        assert (got, list(answer)) == (status, ["error"]), path


async def test_no_page_elsewhere_may_read_an_answer(phones: Phones) -> None:
    headers = {"Origin": "https://evil.example"}
    async with phones.session.get(f"{phones.base}/simulator/messages?with=a", headers=headers) as answer:
        assert answer.status == 200
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_without_a_simulator_account_its_paths_do_not_exist(world: World) -> None:
    accounts = {"main": replace(world.accounts["main"], channel="whatsapp_cloud")}
    async with served(world, accounts, {"status": "ok"}) as port, aiohttp.ClientSession() as session:
        phones = Phones(world, f"http://127.0.0.1:{port}", session, {})
        assert (await phones.post(**HELLO))[0] == 404
        assert (await phones.ask("GET", "/simulator/messages?with=a"))[0] == 404
        assert (await phones.ask("GET", "/health"))[0] == 200
