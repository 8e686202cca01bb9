"""Who may look in, and from where."""

import aiohttp

from secondme.web.dashboard.auth import Sessions, make_link
from secondme.web.dashboard.shield import host_of
from tests.web.conftest import Desk


async def test_a_link_opens_once(desk: Desk) -> None:
    link = await make_link(desk.app)
    async with aiohttp.ClientSession() as stranger:
        async with stranger.get(link, allow_redirects=False) as first:
            assert (first.status, first.headers["location"]) == (303, "/simulator")
            cookie = first.headers["set-cookie"]
        async with stranger.get(link, allow_redirects=False) as second:
            assert second.status == 401
            assert "secondme link" in await second.text()
            assert "set-cookie" not in second.headers
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


def test_a_forged_or_old_cookie_is_none() -> None:
    sessions = Sessions("key", 3000)
    assert sessions.good(sessions.new())
    assert not Sessions("other", 3000).good(sessions.new())
    assert not sessions.good("owner.aaaa.bbbb")
    assert not sessions.good(None)


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
