"""Who may look in, and from where."""

import asyncio

import aiohttp
import pytest

from secondme.domain.errors import StoreUnavailable
from secondme.web.dashboard.auth import Sessions, make_link
from secondme.web.dashboard.shield import host_of
from tests.web.conftest import Desk


async def test_a_link_opens_once(desk: Desk) -> None:
    link = await make_link(desk.app)
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(link, allow_redirects=False) as first:
            assert (first.status, first.headers["location"]) == (303, "/simulator")
            cookie = first.headers["set-cookie"]
        async with stranger.get(link, allow_redirects=False) as second, stranger.get(link) as bare:
            assert second.status == 401
            assert "secondme link" in await second.text()
            assert "set-cookie" not in second.headers
            assert bare.status == 401
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Max-Age=2592000" in cookie


async def test_the_stored_link_is_a_digest(desk: Desk) -> None:
    token = (await make_link(desk.app)).split("token=")[1]
    assert not await desk.app.signals.take_once(token)


async def test_a_link_opened_from_another_site_takes_a_step_of_our_own(desk: Desk) -> None:
    async with aiohttp.ClientSession() as stranger:
        headers = {"sec-fetch-site": "cross-site"}
        async with stranger.get(await make_link(desk.app), headers=headers, allow_redirects=False) as answer:
            assert answer.status == 200
            assert "url=/simulator" in await answer.text()


async def test_what_is_open_without_a_session(desk: Desk) -> None:
    closed = (
        "/simulator",
        "/",
        "/api/state",
        "/api/events",
        "/api/openapi.json",
        "/api/docs",
        "/static/../app.py",
    )
    async with aiohttp.ClientSession() as stranger:
        for path in closed:
            async with stranger.get(desk.base + path) as answer:
                assert answer.status == 401, path
        for path in ("/health", "/api/health", "/metrics", "/static/main.js"):
            async with stranger.get(desk.base + path) as answer:
                assert answer.status == 200, path


async def test_a_link_clicked_twice_by_somebody_who_is_in_leads_in(desk: Desk) -> None:
    link = await make_link(desk.app)
    for _ in range(2):
        async with desk.session.get(link, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (303, "/simulator")


async def test_a_forged_or_old_cookie_is_none(desk: Desk) -> None:
    sessions = Sessions(desk.app.ledger, 3000)
    value = await sessions.new()
    assert await sessions.good(value)
    carried, rest = value.split(".", 1)
    for forged in ("owner.aaaa.bbbb", f"{carried}x.{rest}", carried, "", None):
        assert not await sessions.good(forged), forged


async def test_signing_out_ends_every_session_in_every_process(desk: Desk) -> None:
    elsewhere = Sessions(desk.app.ledger, 3000)  # another process of the same instance
    stolen = await elsewhere.new()
    name = Sessions(desk.app.ledger, desk.app.settings.dashboard_port).cookie
    thief = {"cookie": f"{name}={stolen}"}
    async with aiohttp.ClientSession(headers=thief) as other, other.get(f"{desk.base}/api/state") as answer:
        assert answer.status == 200
    async with desk.session.get(f"{desk.base}/api/events") as stream:
        assert (await desk.post("/api/sign-out"))[0] == 204
        async with asyncio.timeout(5):
            await stream.read()  # the pages that are open hear no more
    assert (await desk.get("/api/state"))[0] == 401
    async with aiohttp.ClientSession(headers=thief) as other, other.get(f"{desk.base}/api/state") as answer:
        assert answer.status == 401
    await asyncio.sleep(1.1)
    assert not await elsewhere.good(stolen)
    assert await elsewhere.good(await elsewhere.new())


async def test_the_stop_stays_in_reach_while_the_ledger_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = Sessions(desk.app.ledger, 3000)
    value = await sessions.new()
    away = Sessions(desk.app.ledger, 3000)

    def gone() -> None:
        raise StoreUnavailable("Postgres does not answer.")

    monkeypatch.setattr(type(desk.app.ledger), "transaction", lambda self: gone())
    assert await sessions.good(value)
    assert await away.good(value)
    assert not await away.good("owner.aaaa.bbbb")


async def test_other_names_for_this_machine_are_refused(desk: Desk) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "[::2]", "localhost.evil:3000", "user@evil"):
        status, answer = await desk.get("/api/people", headers={"host": host})
        assert status == 421, host
        assert "127.0.0.1" in answer["error"]


def test_names_of_this_machine_are_read() -> None:
    assert [host_of(host) for host in ("127.0.0.1", "LOCALHOST:1", "[::1]:3000")] == [
        "127.0.0.1",
        "localhost",
        "::1",
    ]
    assert host_of("[::1") == "" == host_of("")


async def test_changes_come_from_our_own_page(desk: Desk) -> None:
    refused: tuple[tuple[dict[str, str], int], ...] = (
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({}, 403),
        ({"sec-fetch-site": "same-origin", "content-type": "text/plain"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "multipart/form-data; boundary=b"}, 415),
        ({"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}, 415),
    )
    for headers, status in refused:
        sent = {"content-type": "application/json"} | headers
        assert (await desk.post("/api/stop", headers=sent, json=None, data=b"{}"))[0] == status, headers
    assert (await desk.get("/api/state"))[1]["stopped"] is None


async def test_a_body_is_bounded(desk: Desk) -> None:
    status, answer = await desk.post("/api/simulator/messages", {"from": "+15550100", "text": "x" * 70_000})
    assert status == 413
    assert "64 KiB" in answer["error"]


async def test_every_answer_is_dressed(desk: Desk) -> None:
    for path in ("/simulator", "/api/people", "/static/main.js", "/nowhere"):
        async with desk.session.get(desk.base + path) as answer:
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
    async with desk.session.get(desk.base + "/api/people") as answer:
        assert answer.headers["cache-control"] == "no-store"
