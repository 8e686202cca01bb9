"""People on a real number: the page says until when free text may go to them, and lets nobody write in their name."""

import re
import time
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Product, seated
from tests.browser.test_looks import PHONE, all_readable
from tests.stubs.meta_driver import Meta

LIGHT: dict[str, Any] = {"color_scheme": "light"}
DARK: dict[str, Any] = {"color_scheme": "dark"}


@pytest.mark.parametrize("window", [LIGHT, PHONE | DARK], ids=["desk", "phone"])
async def test_a_real_phone_shows_its_window(
    browser: Browser, product: Product, window: dict[str, Any]
) -> None:
    async with Meta(product.meta) as meta, seated(browser, product, **window) as desk:
        await meta.control(gateway=product.gateway)
        await meta.says("is it open?", "15550100001", name="Nina Vogt")
        await meta.says("was it open?", "15550100002", name="Otto Brandt", at=time.time() - 25 * 3600)
        shown = desk.page.locator(".window")
        await desk.page.locator(".person", has_text="Nina Vogt").click()
        await expect(shown).to_have_text(re.compile(r"Free text to Nina: until tomorrow, \d\d:\d\d \(24 h\)"))
        await expect(desk.page.locator(".composer")).to_be_hidden()
        await desk.no_sideways()
        await all_readable(desk)
        if window is not LIGHT:
            await desk.page.get_by_role("button", name="Details").click()
        await expect(desk.page.locator(".side .facts")).to_contain_text("Free textuntil tomorrow")
        if window is not LIGHT:
            await desk.page.keyboard.press("Escape")
            await desk.page.get_by_role("button", name="Back to the phones").click()
        await desk.page.locator(".person", has_text="Otto Brandt").click()
        await expect(shown).to_contain_text(re.compile(r"closed since (today|yesterday), \d\d:\d\d"))
        await expect(shown.locator("code")).to_have_text("secondme send")
        await expect(desk.page.locator(".note")).to_have_text("Not answered · too late")
        await desk.no_sideways()
        await all_readable(desk)


async def test_a_simulated_phone_has_no_window(browser: Browser, product: Product) -> None:
    async with seated(browser, product) as desk:
        await desk.enabled_phone("Vera Simm")
        await expect(desk.composer).to_be_visible()
        await expect(desk.page.locator(".window")).to_have_count(0)
        await expect(desk.page.locator(".side .facts")).not_to_contain_text("Free text")
        await expect(desk.page.locator(".people button[data-account='shop']")).to_have_count(0)
