"""The real product in a process of its own, and a real browser in front of it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.stubs.meta_driver import Meta
from tests.stubs.processes import meta_network
from tests.web.conftest import free_port

COMMAND = str(Path(sys.executable).with_name("secondme"))
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
_START = 90.0  # seconds for the first start, which creates the database
expect.set_options(timeout=15_000)

# What `secondme up` has by itself, and a number on Meta's API.
_ACCOUNTS = """accounts:
  - {id: main, profile: clone}
  - {id: support, profile: support}
  - {id: journal, profile: journal}
  - {id: shop, profile: support, channel: whatsapp_cloud}
"""

_numbers = count(100)


@dataclass
class Product:
    """`secondme up`, running; `cookie` is an owner's, `meta` where the stub of Meta's API is, if there is one."""

    base: str
    gateway: str
    cookie: dict[str, Any]
    folder: Path
    environment: dict[str, str]
    meta: str = ""


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; tests that need it are skipped where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("No Chromium here: apt-get install chromium, or brew install --cask chromium.")
    return found


def environment_for(folder: Path) -> dict[str, str]:
    """An environment with free ports and `folder` as the data directory, and nothing else of the product's."""
    ports = {
        f"{name}_PORT": str(free_port()) for name in ("GATEWAY", "ORCHESTRATOR", "GRAPH_WORKER", "DASHBOARD")
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.search("SECONDME|_API_KEY|_URL$|_PORT$", name)
    }
    more = {"SECONDME_DATA_DIR": str(folder), "SECONDME_DEBOUNCE": "500ms", "PYTHONUNBUFFERED": "1"}
    return kept | ports | more


@pytest.fixture(scope="session")
def product(chromium: str) -> Iterator[Product]:
    """Everything that `secondme up` starts, on ports and in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="secondme-browser-"))
    with meta_network(folder / "meta.log") as meta:
        yield from _running(folder, meta)


def _running(folder: Path, meta: str) -> Iterator[Product]:
    number = {k: v for k, v in Meta(meta).settings().items() if k.startswith("WHATSAPP")}
    environment = environment_for(folder) | number
    (folder / "secondme.yaml").write_text(_ACCOUNTS)
    said = folder / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen([COMMAND, "up"], env=environment, cwd=folder, stdout=out, stderr=out)
    try:
        link = link_from(process, said)
        base = f"http://127.0.0.1:{environment['DASHBOARD_PORT']}"
        gateway = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
        yield Product(base, gateway, cookie_from(link, base), folder, environment, meta)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def link_from(process: "subprocess.Popen[bytes]", said: Path) -> str:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://\S+/start\?token=\S+", said.read_text()):
            return found.group()
        time.sleep(0.1)
    raise AssertionError(f"secondme up did not start:\n{said.read_text()}")


def cookie_from(link: str, base: str) -> dict[str, Any]:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: Any, **more: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(link, timeout=10)
    except urllib.error.HTTPError as answer:
        name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
        answer.close()
        return {"name": name, "value": value, "url": base, "httpOnly": True, "sameSite": "Strict"}
    raise AssertionError("The link did not redirect.")


@dataclass
class Desk:
    """The page, and verbs for what one does there. `wrong` gathers what the browser complained of."""

    page: Page
    product: Product
    wrong: list[str] = field(default_factory=list)

    async def look(self, path: str = "/simulator") -> None:
        await self.page.goto(self.product.base + path)
        await expect(self.page.locator("#pulse")).not_to_have_attribute("data-state", "unknown")

    async def new_phone(self, name: str, account: str = "main") -> str:
        """Make a phone by hand; returns its number."""
        number = f"+1202555{next(_numbers):04d}"
        await self.page.locator(f".people button[data-account='{account}']").first.click()
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Number").fill(number)
        await self.page.get_by_role("button", name="Open phone").click()
        await expect(self.composer).to_be_visible()
        return number

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def bubbles(self) -> Locator:
        return self.page.locator(".row:not(.typing) .b")

    async def says(self, text: str) -> Locator:
        """Write and press Enter; returns the bubble, once the gateway has taken it."""
        await self.composer.fill(text)
        await self.composer.press("Enter")
        row = self.page.locator(".row:not(.pending)", has=self.page.get_by_text(text, exact=True)).last
        await expect(row).to_be_visible()
        return row

    async def enable(self) -> None:
        await self.page.locator(".hint .button.primary").click()
        await expect(self.page.locator(".head .chip")).to_have_text("answering")

    async def enabled_phone(self, name: str) -> str:
        """A phone that has written once and is answered from now on."""
        number = await self.new_phone(name)
        await self.says("first")
        await self.enable()
        return number

    async def elsewhere(self, number: str, name: str, text: str) -> None:
        """A message that this page did not send."""
        body = {"from": number, "name": name, "text": text}
        url = f"{self.product.gateway}/simulator/messages"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 200

    async def quiet(self) -> None:
        """Wait until nothing waits to be answered and nothing is on its way."""
        for _ in range(300):
            answer = await self.page.request.get(f"{self.product.base}/api/state")
            counts = (await answer.json())["counts"]
            if not counts["waiting"] and not counts["openDeliveries"]:
                return
            await self.page.wait_for_timeout(100)
        raise AssertionError(f"still busy: {counts}")

    async def no_sideways(self) -> None:
        """Nothing is wider than the window."""
        boxes = "[...document.querySelectorAll('html, body, .desk, .thread, .lists, .side')]"
        wide = f"{boxes}.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className || e.tagName)"
        assert await self.page.evaluate(wide) == []


@pytest_asyncio.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_ARGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def seated(
    browser: Browser, product: Product, *, expected: str = "", **options: Any
) -> AsyncIterator[Desk]:
    """A desk in a fresh window; what the browser complains of fails the test, but for what is `expected`."""
    context = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    await context.add_cookies([product.cookie])  # type: ignore[list-item]
    desk = Desk(await context.new_page(), product)
    desk.page.on("pageerror", lambda error: desk.wrong.append(str(error)))
    desk.page.on(
        "console", lambda said: desk.wrong.append(said.text) if said.type in ("error", "warning") else None
    )
    desk.page.on("dialog", lambda dialog: desk.wrong.append(f"dialog: {dialog.message}"))
    try:
        await desk.look()
        yield desk
        assert [said for said in desk.wrong if not (expected and re.search(expected, said))] == []
    finally:
        # A test that failed while everything was stopped must not take the next one with it.
        await context.request.post(f"{product.base}/api/resume", data={}, headers={"origin": product.base})
        await context.close()


@pytest_asyncio.fixture
async def desk(browser: Browser, product: Product) -> AsyncIterator[Desk]:
    async with seated(browser, product) as found:
        yield found
