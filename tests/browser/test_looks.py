"""How the page holds up: narrow windows, both colour schemes, keyboards, and text that means harm."""

from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Desk, Product, seated

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
HARM = '<img src=x onerror="window.harmed=1">'

# Every text on the page against what lies behind it, by WCAG's formula; answers what falls short of AA.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const light = (colour) => colour.map((c) => c / 255).map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(rgba(getComputedStyle(e).backgroundColor));
    return layers.reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || !box.width || box.width < 2 || element.closest("[hidden], .sr, :disabled, noscript")) continue;
    const style = getComputedStyle(element);
    if (style.visibility === "hidden") continue;
    const back = behind(element);
    const front = over(rgba(style.color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) poor.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_narrow_window_scrolls_in_one_direction(
    browser: Browser, product: Product, scheme: str
) -> None:
    async with seated(browser, product, color_scheme=scheme, **PHONE) as desk:
        await desk.no_sideways()
        await desk.new_phone("A name that is much longer than any phone is wide, and then some more")
        await desk.says("https://example.org/" + "a" * 300)
        await expect(desk.page.locator(".people")).to_be_hidden()
        await desk.no_sideways()
        composer = await desk.composer.bounding_box()
        assert composer and composer["y"] + composer["height"] <= 844
        await desk.page.get_by_role("button", name="Details").click()
        await expect(desk.page.locator(".side")).to_be_in_viewport()
        await desk.no_sideways()
        # The stop's answer lies over the drawer, not under it.
        await desk.page.locator("#stop").tap()
        await desk.page.get_by_role("button", name="Resume answering").tap()
        await expect(desk.page.locator("#banner")).to_contain_text("Answering again")
        await desk.page.keyboard.press("Escape")
        await expect(desk.page.locator(".side")).not_to_be_in_viewport()
        await expect(desk.page.locator("#stop")).to_be_in_viewport()
        await desk.page.get_by_role("button", name="Back to the phones").click()
        await expect(desk.page.locator(".people")).to_be_visible()
        await desk.no_sideways()
        await desk.page.go_back()
        await expect(desk.composer).to_be_visible()


async def all_readable(desk: Desk) -> None:
    """Every text, once colours that were changing have settled."""
    for _ in range(20):
        if not await desk.page.evaluate(CONTRAST):
            return
        await desk.page.wait_for_timeout(50)
    assert await desk.page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(browser: Browser, product: Product, scheme: str) -> None:
    async with seated(browser, product, color_scheme=scheme, reduced_motion="reduce") as desk:
        await all_readable(desk)
        await desk.enabled_phone("Nora Keane")
        await desk.says("can you read this?")
        await expect(desk.page.locator(".row.bot:not(.typing)").first).to_be_visible(timeout=30_000)
        await desk.page.locator(".row.bot .meta").first.click()
        await expect(desk.page.locator(".journey li").first).to_be_visible()
        await all_readable(desk)
        await desk.page.get_by_role("radio", name="As yourself").click()
        await desk.says("I can")
        await desk.page.locator("#stop").click()
        await expect(desk.page.locator("#banner")).to_be_visible()
        await desk.page.mouse.move(700, 10)
        await all_readable(desk)
        await desk.page.locator("#banner .button").click()
        await expect(desk.page.locator("#banner")).to_contain_text("Answering again")
        await desk.page.locator("#voice").click()
        await expect(desk.page.locator(".drop")).to_be_visible()
        await all_readable(desk)
        await desk.page.get_by_role("button", name="Lena Brandt").click()
        await expect(desk.page.get_by_label("How do you know Mara Ruiz?")).to_be_visible()
        await all_readable(desk)


async def test_text_that_means_harm_stays_text(desk: Desk) -> None:
    number = await desk.new_phone(HARM)
    await desk.says(f"{HARM}<script>window.harmed=2</script>")
    title = desk.page.locator(".head .title")
    await expect(title).to_have_text(HARM)
    await expect(desk.page.locator(".row .words").first).to_contain_text("<script>")
    await desk.elsewhere(f"{number}9", "\u202egnp.exe\u202c", "\u202ereversed")
    await desk.page.locator(".person", has_text="gnp.exe").click()
    await expect(title).to_have_text("gnp.exe")
    await expect(desk.page.locator(".head .title")).to_have_css("unicode-bidi", "isolate")
    for panel in (".note", "#voice"):
        await desk.page.locator(panel).first.click()
    assert await desk.page.evaluate("window.harmed") is None
    assert await desk.page.locator("main img, main script, main iframe, dialog img").count() == 0
    # Even a script of ours could not: markup from a string is refused by the browser.
    refused = "() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } }"
    assert await desk.page.evaluate(refused)
    desk.wrong = [said for said in desk.wrong if "TrustedHTML" not in said]


async def test_hands_stay_on_the_keyboard(desk: Desk) -> None:
    for name in ("Key One", "Key Two"):
        await desk.new_phone(name)
        await desk.says("hello")
    rows = desk.page.locator(".person")
    await rows.first.focus()
    await desk.page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator(".head .title")).to_have_text("Key One")
    bubble = desk.bubbles.last
    await bubble.focus()
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator(".side h2")).to_have_text("Why no answer")
    await desk.page.keyboard.press("Tab")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.locator("#menu").get_by_role("menuitem").first).to_be_focused()
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator("#menu")).to_be_hidden()
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator(".side h2")).to_have_text("Key One")
