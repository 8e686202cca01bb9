"""The simulator, by hand: write, be answered, look why, step in, stop."""

import re
import subprocess

from playwright.async_api import Browser, expect

from tests.browser.conftest import COMMAND, Desk, Product, seated


async def test_a_stranger_is_kept_waiting_until_the_owner_says_so(desk: Desk) -> None:
    await desk.new_phone("Mara Ruiz")
    await desk.says("heyy are we still climbing on saturday?")
    note = desk.page.locator(".note")
    await expect(note).to_have_text("Not answered · contact not enabled")
    await expect(desk.page.locator(".hint")).to_contain_text("Nobody is answered until you say so")
    await note.click()
    await expect(desk.page.locator(".side .verdict code")).to_have_text("contact.disabled")
    await desk.enable()
    await desk.says("and now?")
    await expect(desk.page.locator(".row.typing")).to_be_visible()
    await expect(desk.page.locator(".people .typing-word")).to_be_visible()
    await expect(desk.page.locator(".row.bot:not(.typing)").first).to_be_visible()
    # The one from before stays unanswered.
    await expect(desk.page.locator(".note")).to_have_count(1)


async def test_an_answer_has_ticks_and_a_receipt(desk: Desk) -> None:
    await desk.enabled_phone("Tom Okafor")
    asked = await desk.says("do you have my blue sling?")
    reply = desk.page.locator(".row.bot:not(.typing)").first
    await expect(reply).to_be_visible()
    await expect(reply.get_by_role("img", name="Read")).to_be_visible()
    await expect(asked.get_by_role("img", name="Read")).to_be_visible()
    await reply.locator(".meta").click()
    side = desk.page.locator(".side")
    await expect(side.locator("h2")).to_have_text("Why this reply")
    await expect(side.locator(".verdict")).to_contain_text("contact.enabled")
    steps = side.locator(".journey li")
    await expect(steps.first).to_contain_text("Received and kept")
    await expect(steps.last).to_contain_text("Sent")
    await expect(side).to_contain_text("offline")
    await expect(desk.page.locator(".b[data-selected]")).to_have_count(1)
    await desk.page.keyboard.press("Escape")
    await expect(side.locator("h2")).to_have_text("Tom Okafor")


async def test_stepping_in_silences_the_clone(desk: Desk) -> None:
    await desk.enabled_phone("Jana Berg")
    await desk.page.get_by_role("radio", name="As yourself").click()
    row = await desk.says("found it, bringing it on saturday")
    await expect(row).to_have_class(re.compile("owner"))
    await expect(row).to_contain_text("You, from your phone")
    await expect(desk.page.locator(".head .chip")).to_contain_text("paused 60 min")
    await desk.page.get_by_role("radio", name="As Jana").click()
    await desk.says("you're a legend")
    await expect(desk.page.locator(".note").last).to_have_text("Not answered · contact paused")
    await desk.page.locator(".head .act").click()
    await expect(desk.page.locator(".head .chip")).to_have_text("answering")


async def test_the_stop_never_asks_and_says_what_it_did(desk: Desk) -> None:
    await desk.enabled_phone("Ines Faro")
    await desk.composer.press("Shift+P")
    await expect(desk.composer).to_have_value("P")
    await expect(desk.page.locator("#banner")).to_be_hidden()
    await desk.says("PS are you there?")
    await desk.page.locator(".head .title").click()
    await desk.page.keyboard.press("Shift+P")
    banner = desk.page.locator("#banner")
    await expect(banner).to_contain_text("Everything is stopped since")
    await expect(banner).to_contain_text(re.compile("ended unanswered|Nobody was waiting"))
    await expect(desk.page.locator(".head .chip")).to_have_text("stopped")
    await desk.says("hello?")
    await expect(desk.page.locator(".note").last).to_have_text("Not answered · everything stopped")
    await desk.page.reload()
    await expect(banner).to_contain_text("Everything is stopped since")
    await banner.get_by_role("button", name="Resume answering").click()
    await expect(banner).to_contain_text("Answering again")
    await expect(desk.page.locator(".head .chip")).to_have_text("answering")
    await expect(desk.page.locator(".note").last).to_have_text("Not answered · everything stopped")


async def test_replying_editing_and_deleting(desk: Desk) -> None:
    await desk.new_phone("Edith Moss")
    await desk.says("frist")
    row, menu = desk.page.locator(".row").first, desk.page.locator("#menu")
    await row.hover()
    await row.locator(".more").click()
    await menu.get_by_role("menuitem", name="Reply").click()
    await expect(desk.page.locator(".strip")).to_contain_text("Replying to Edith Moss")
    second = await desk.says("second")
    await expect(second.locator(".quote")).to_contain_text("frist")
    await second.locator(".quote").click()
    await expect(row.locator(".b")).to_have_class(re.compile("flash"))
    await row.locator(".more").click()
    await menu.get_by_role("menuitem", name="Delete").click()
    await expect(desk.page.locator(".row .gone")).to_be_visible()
    await expect(second.locator(".quote")).to_contain_text("No longer here")


async def test_an_edit_before_the_answer_replaces_the_text(desk: Desk) -> None:
    await desk.enabled_phone("Ed Ito")
    row = await desk.says("see you at noonn")
    await row.hover()
    await row.locator(".more").click()
    await desk.page.locator("#menu").get_by_role("menuitem", name="Edit").click()
    await expect(desk.composer).to_have_value("see you at noonn")
    changed = await desk.says("see you at noon")
    await expect(changed).to_contain_text("edited")
    await expect(desk.page.get_by_text("noonn")).to_have_count(0)


async def test_what_cannot_be_sent_stays_in_the_composer(browser: Browser, product: Product) -> None:
    async with seated(browser, product, expected="ERR_INTERNET_DISCONNECTED|Failed to load") as desk:
        await desk.new_phone("Olaf Ruud")
        await desk.says("before")
        await desk.page.context.set_offline(True)
        await desk.composer.fill("a long thought that must not be lost")
        await desk.composer.press("Enter")
        await expect(desk.page.locator(".composer .problem")).to_contain_text("does not answer")
        await expect(desk.composer).to_have_value("a long thought that must not be lost")
        await desk.page.context.set_offline(False)
        await desk.composer.press("Enter")
        await expect(desk.page.locator(".row.contact:not(.pending)")).to_have_count(2)
        await expect(desk.page.locator(".unsent")).to_have_count(0)
        await expect(desk.composer).to_have_value("")


async def test_the_sample_teaches_a_voice_that_is_then_used(desk: Desk) -> None:
    await desk.page.locator("#voice").click()
    side = desk.page.locator(".side")
    await side.get_by_role("button", name=re.compile("Lena Brandt")).click()
    await expect(side.get_by_role("radio", name=re.compile("Lena Brandt"))).to_be_checked()
    await expect(side.get_by_role("radio", name=re.compile("Yes, keep them"))).to_be_checked()
    await side.get_by_role("button", name="Learn from this chat").click()
    await expect(side.get_by_text("It may sound like this")).to_be_visible(timeout=60_000)
    await expect(side.locator(".memory h3")).to_have_text("Remembered", timeout=60_000)
    await expect(side.locator(".memory")).to_contain_text("known from this chat")
    await expect(desk.page.locator("#voice")).to_contain_text("Lena Brandt’s")
    await desk.enabled_phone("Ana Lopes")
    await desk.says("are you back yet??")
    reply = desk.page.locator(".row.bot:not(.typing)").first
    await expect(reply).to_be_visible(timeout=30_000)
    await reply.locator(".meta").click()
    await expect(side.locator(".card").first).to_contain_text("closeness")


async def test_a_chat_is_with_somebody_who_writes_here(desk: Desk) -> None:
    """Said in the form, so that they are not met twice; how the owner knows them goes with it."""
    await desk.enabled_phone("Mara R.")
    await desk.page.locator("#voice").click()
    side = desk.page.locator(".side")
    await side.get_by_role("button", name=re.compile("Lena Brandt")).click()
    whom = side.get_by_label("Who here is Mara Ruiz?")
    relationship = side.get_by_label("How do you know Mara Ruiz?")
    await expect(relationship.locator("option:checked")).to_have_text("I leave it open")
    mara = await whom.locator("option", has_text="Mara R.").get_attribute("value")
    await whom.select_option(mara)
    await expect(relationship.locator("option:checked")).to_have_text("As you said: Acquaintance")
    await relationship.select_option("friend")
    await side.get_by_role("button", name="Learn from this chat").click()
    await expect(side.get_by_text("It may sound like this")).to_be_visible(timeout=60_000)
    await desk.page.keyboard.press("Escape")
    await expect(desk.page.locator(".head")).to_contain_text("Friend")
    people = await (await desk.page.request.get(f"{desk.product.base}/api/people")).json()
    assert [one["relationship"] for one in people["people"] if one["contactId"] == mara] == ["friend"]


async def test_live_is_what_a_reload_shows(desk: Desk) -> None:
    number = await desk.enabled_phone("Rui Sato")
    await desk.elsewhere(number, "Rui Sato", "from elsewhere")
    await expect(desk.page.get_by_text("from elsewhere").last).to_be_visible()
    await desk.quiet()
    replies = desk.page.locator(".row.bot:not(.typing)")
    await expect(replies.last).to_be_visible()
    await expect(desk.page.locator(".row.typing")).to_have_count(0)
    await expect(desk.page.locator(".row.bot .tick:not(.read)")).to_have_count(0)
    live = await desk.page.locator(".lines").aria_snapshot()
    await desk.page.reload()
    await expect(replies.last).to_be_visible()
    assert await desk.page.locator(".lines").aria_snapshot() == live


async def test_a_link_works_once(browser: Browser, product: Product) -> None:
    said = subprocess.run(
        [COMMAND, "link"],
        env=product.environment,
        cwd=product.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    link = re.search(r"http://\S+token=\S+", said.stdout)
    assert link, said.stdout
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(link.group())
    assert page.url == f"{product.base}/simulator"
    # Clicked twice by somebody who is in.
    await page.goto(link.group())
    assert page.url == f"{product.base}/simulator"
    await context.close()
    stranger = await browser.new_page()
    await stranger.goto(link.group())
    await expect(stranger.locator("h1")).to_contain_text("used, or is too old")
    await expect(stranger.locator(".command")).to_have_text("secondme link")
    await stranger.close()
