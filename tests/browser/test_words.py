"""What the page says of itself: who is answered, whose number it is, that it is stopped, away or signed out."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Route, expect

from tests.browser.conftest import Desk, Product, seated
from tests.browser.test_looks import PHONE

# What can be pressed by itself and is smaller than a finger; links within a sentence are not.
SMALL = """() => [...document.querySelectorAll("button, select, summary, textarea, input:not(.sr, [type=radio])")]
  .filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".quote, .name"))
  .map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 40 || box.height < 40))
  .map(([e, box]) => `${e.className || e.id || e.tagName} ${e.textContent}: ${box.width}x${box.height}`)"""


@pytest_asyncio.fixture
async def away(browser: Browser, product: Product) -> AsyncIterator[Desk]:
    """A desk whose dashboard may go away without the test failing for it."""
    async with seated(browser, product, expected="ERR_|Failed to load") as found:
        yield found


async def test_who_is_answered_is_told_apart_from_who_is_paused(desk: Desk) -> None:
    await desk.enabled_phone("Paul Reyes")
    pulse = desk.page.locator("#pulse")
    before = int(re.findall(r"Answering (\d+)", await pulse.inner_text())[0])
    await desk.page.locator(".head .act").click()
    await expect(desk.page.locator(".head .chip")).to_contain_text("paused")
    now = (
        rf"Answering {before - 1} contacts?, \d+ paused"
        if before > 1
        else r"Answering nobody now, \d+ paused"
    )
    await expect(pulse).to_have_text(re.compile(now))


async def test_the_start_names_who_is_answered_and_the_next_thing(desk: Desk) -> None:
    await desk.enabled_phone("Quinn Abara")
    await desk.look("/")
    step = desk.page.locator(".start li").last
    await expect(step).to_contain_text(re.compile("answered. Nobody else is."))
    await expect(step).not_to_contain_text("until you enable them")
    await step.get_by_role("button", name=re.compile("^Write as ")).click()
    await expect(desk.composer).to_be_visible()


async def test_a_number_that_somebody_has_is_theirs(desk: Desk) -> None:
    number = await desk.new_phone("Rosa Blum")
    await desk.says("hello")
    await desk.page.locator(".people button[data-account='support']").first.click()
    box = desk.page.locator("#box")
    await box.get_by_label("Name").fill("Karl Kunde")
    await box.get_by_label("Number").fill(f"{number[:5]} {number[5:]}")
    await expect(box).to_contain_text("This number is Rosa Blum’s, and it keeps that name.")
    await expect(box.get_by_label("Name", exact=True)).to_be_disabled()
    await box.get_by_role("button", name="Open Rosa’s phone").click()
    await expect(desk.page.locator(".head .title")).to_have_text("Rosa Blum")


async def test_the_reply_that_was_said_stands_first_and_the_rest_is_folded(desk: Desk) -> None:
    said = {"text": "yess", "said": True, "closeness": 0.06, "at": None}
    other = {"text": "thanks", "said": False, "closeness": 0.18, "at": None}

    async def leaning(route: Route) -> None:
        why = await (await route.fetch()).json()
        await route.fulfill(json={**why, "ownWords": [said, other]} | gone)

    gone: dict[str, object] = {}
    await desk.page.route("**/api/why/*", leaning)
    await desk.enabled_phone("Uma Rao")
    asked = await desk.says("pizza or thai tonight")
    await expect(desk.page.locator(".row.bot:not(.typing)").first).to_be_visible(timeout=30_000)
    await desk.quiet()
    await asked.locator(".meta").click()
    side = desk.page.locator(".side")
    await expect(side.locator("h2")).to_have_text("What became of it")
    cards = side.locator(".card")
    await expect(cards.first).to_contain_text("Said this")
    await expect(cards.nth(1)).to_be_hidden()
    await side.get_by_text("Also considered: 1 reply").click()
    await expect(cards.nth(1)).to_contain_text("thanks")
    await expect(side).to_contain_text("Closeness: how alike")
    gone.update({"ownWords": [], "ownWordsErased": True})
    await desk.page.keyboard.press("Escape")
    await desk.page.locator(".row.bot:not(.typing) .meta").first.click()
    await expect(side).to_contain_text("What it leaned on was erased")


async def test_what_it_knew_is_shown_with_who_said_it_and_what_is_forgotten_is_not(desk: Desk) -> None:
    said = {"saidAt": "2026-03-04T12:00:00Z", "until": "2026-05-01T12:00:00Z"}
    bob = {"id": "fact_1", "text": "Bob works at <b>Acme</b>", "closeness": 1.0, "by": "contact", **said}
    gone = {"id": "fact_2", "text": None, "closeness": 0.2, "by": None, "saidAt": None, "until": None}
    answers = True

    async def knowing(route: Route) -> None:
        why = await (await route.fetch()).json()
        known = [bob, gone] if answers else [gone]
        await route.fulfill(json={**why, "known": known, "memoryAnswers": answers})

    await desk.page.route("**/api/why/*", knowing)
    await desk.enabled_phone("Ulla Berg")
    asked = await desk.says("pizza or thai tonight")
    await expect(desk.page.locator(".row.bot:not(.typing)").first).to_be_visible(timeout=30_000)
    await desk.quiet()
    await asked.locator(".meta").click()
    side = desk.page.locator(".side")
    await expect(side.locator(".card.known")).to_have_count(1)
    await expect(side.locator(".card.known")).to_contain_text("Bob works at <b>Acme</b>")
    await expect(side.locator(".card.known")).to_contain_text("they said it")
    await expect(side.locator(".card.known")).to_contain_text("closeness 1.00")
    await expect(side).to_contain_text("1 fact forgotten since.")
    answers = False
    await desk.page.keyboard.press("Escape")
    await desk.page.locator(".row.bot:not(.typing) .meta").first.click()
    await expect(side).to_contain_text("Memory does not answer now")


async def test_the_stop_looks_stopped_and_says_how_to_go_on(desk: Desk) -> None:
    stop = desk.page.locator("#stop")
    colour = await stop.evaluate("e => getComputedStyle(e).backgroundColor")
    await stop.click()
    await expect(stop).to_contain_text("Stopped")
    await expect(stop).to_contain_text("resume below")
    await desk.page.mouse.move(400, 400)
    await expect(stop).not_to_have_css("background-color", colour)
    await desk.page.locator("#banner .button").click()
    await expect(stop).to_contain_text("Stop everything")
    await expect(stop).to_have_css("background-color", colour)


async def test_a_page_that_is_cut_off_says_so_and_shows_nobody_as_answered(away: Desk) -> None:
    await away.enabled_phone("Sofia Lind")

    async def refuse(route: Route) -> None:
        await route.abort("connectionrefused")

    await away.page.route("**/api/**", refuse)
    await away.page.evaluate("dispatchEvent(new Event('popstate'))")
    await away.page.locator(".person").last.click()
    banner = away.page.locator("#banner")
    await expect(banner).to_contain_text("This page may be out of date")
    await expect(banner.locator("code")).to_have_text("secondme up")
    assert "`" not in await banner.inner_text()
    await expect(away.page.locator(".chip.go")).to_have_count(0)
    await expect(away.page.locator(".void")).to_contain_text("could not be read")
    await away.page.set_viewport_size({"width": 390, "height": 844})
    await expect(banner).to_be_visible()
    await away.no_sideways()
    await away.page.unroute("**/api/**")
    await away.page.evaluate("dispatchEvent(new Event('popstate'))")


async def test_signing_out_leaves_a_page_that_asks_for_a_link(browser: Browser, product: Product) -> None:
    async with seated(browser, product, expected="401") as desk:

        async def out(route: Route) -> None:
            # The session is everybody's, also that of the tests beside this one: the browser alone forgets it.
            await desk.page.context.clear_cookies()
            await route.fulfill(status=204)

        await desk.page.route("**/api/sign-out", out)
        await desk.page.locator("#more").click()
        await desk.page.get_by_role("menuitem", name="Sign out every browser").click()
        await expect(desk.page.locator("h1")).to_contain_text("Open this page with a link")


async def test_fingers_find_everything_on_a_phone(browser: Browser, product: Product) -> None:
    async with seated(browser, product, **PHONE) as desk:
        assert await desk.page.evaluate(SMALL) == []
        await desk.page.locator("#more").click()
        assert await desk.page.evaluate(SMALL) == []
        await desk.page.keyboard.press("Escape")
        await desk.enabled_phone("Tess Moreau")
        await desk.says("one more")
        assert await desk.page.evaluate(SMALL) == []
        await desk.page.locator(".row .meta").first.click()
        side = desk.page.locator(".side")
        await expect(side.locator(".journey li").first).to_be_visible()
        await expect(side).to_have_css("border-left-width", "0px")
        assert await desk.page.evaluate(SMALL) == []
        await desk.page.keyboard.press("Escape")
        await desk.page.get_by_role("button", name="Back to the phones").click()
        await desk.page.locator("#voice").click()
        await expect(side.locator(".drop")).to_be_visible()
        assert await desk.page.evaluate(SMALL) == []
