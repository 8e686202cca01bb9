"""The page in a real browser: hostile names, words and files are letters on it, and nothing in them ever runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.conftest import Desk, Product, seated
from tests.browser.conftest import browser as browser
from tests.browser.conftest import chromium as chromium
from tests.browser.conftest import product as product
from tests.injection import hostile
from tests.memory.a_memory import chat

# What only a hostile text can have made. The page has no such element, and no handler as an attribute.
_MADE = """() => [...document.querySelectorAll(
  "img[src=x], iframe, script:not([src]), body style, a[href^=javascript], [srcdoc], [x-init], [hx-get]")]
  .concat([...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))))
  .map((e) => e.outerHTML.slice(0, 200))"""
_TEXTS = (*hostile.PAGE, *hostile.BRACES, "\u202egnp.exe <b>bold</b>")


@pytest_asyncio.fixture
async def desk(browser: Browser, product: Product) -> AsyncIterator[Desk]:
    """Alerts and whatever the policy of the page refuses to run are complaints, and fail the test."""
    async with seated(browser, product) as found:
        yield found


async def nothing_was_made(desk: Desk) -> None:
    assert await desk.page.evaluate(_MADE) == []
    assert await desk.page.evaluate("typeof globalThis.alerted") == "undefined"


async def test_names_and_words_are_letters(desk: Desk) -> None:
    await desk.page.add_init_script("globalThis.alert = () => { globalThis.alerted = true }")
    for number, text in enumerate(_TEXTS):
        await desk.elsewhere(f"+1202777{number:04d}", f"{text} {number}", f"{text}\nsecond line {text}")
    await desk.look()
    people = desk.page.locator(".people")
    for text in _TEXTS:
        row = people.locator("li", has_text=text.removeprefix("\u202e")[:40]).first  # a long name is cut
        await expect(row).to_be_visible()
        await row.click()
        bubble = desk.bubbles.first
        await expect(bubble).to_contain_text(text)
        await nothing_was_made(desk)
    await desk.page.locator(".note").first.click()
    await expect(desk.page.locator(".side")).to_be_visible()
    await nothing_was_made(desk)
    await desk.page.reload()
    await expect(people).to_contain_text("<script>alert(1)</script>")
    await nothing_was_made(desk)


async def test_a_chat_and_its_file_are_letters(desk: Desk, tmp_path: Path) -> None:
    """The file's name, its authors, and the voice that is learned from it."""
    hit = "<img src=x onerror=alert(1)>"
    lines = [f"{hit}: hello {hit}", f"Lena: haha {hit}", f"Lena: {hit}", f"Lena: yes {hit}"] * 4
    file = chat(tmp_path / "x" / f"WhatsApp Chat with {hit}.txt", *lines)
    await desk.page.locator("#voice").click()
    side = desk.page.locator(".side")
    await side.locator("input[type=file]").set_input_files(file)
    await expect(side).to_contain_text(hit)
    await nothing_was_made(desk)
    await side.get_by_role("radio", name="Lena").check()
    await side.get_by_role("radio", name="Yes, keep them").check()
    await side.get_by_role("button", name="Learn from this chat").click()
    await expect(side.get_by_text("It may sound like this")).to_be_visible(timeout=60_000)
    await nothing_was_made(desk)
