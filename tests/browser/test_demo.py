"""`make demo`, as a newcomer meets it: import, be answered, step in, stop, and see why."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Desk, Product, cookie_from, environment_for, link_from, seated

ROOT = Path(__file__).parents[2]
LENA = Path(str(files("secondme"))) / "samples" / "lena" / "WhatsApp Chat with Mara Ruiz.txt"


@pytest.fixture(scope="module")
def demo(chromium: str) -> Iterator[Product]:
    """`make demo` in a process group of its own; at the end Ctrl-C, and nothing of it is left."""
    folder = Path(tempfile.mkdtemp(prefix="secondme-demo-"))
    environment = environment_for(folder)
    said = folder.with_suffix(".txt")
    with said.open("wb") as out:
        process = subprocess.Popen(
            ["make", "--no-print-directory", "demo"],
            env=environment,
            cwd=ROOT,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        link = link_from(process, said)
        base = f"http://127.0.0.1:{environment['DASHBOARD_PORT']}"
        gateway = f"http://127.0.0.1:{environment['GATEWAY_PORT']}"
        yield Product(base, gateway, cookie_from(link, base), folder, environment)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(40)
    left = [p for p in psutil.process_iter() if any(str(folder) in part for part in _command(p))]
    assert left == []
    shutil.rmtree(folder, ignore_errors=True)
    said.unlink()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def test_a_newcomers_first_quarter_of_an_hour(browser: Browser, demo: Product) -> None:
    async with seated(browser, demo) as desk:
        await _imports_the_bundled_export(desk)
        await _is_answered_with_typing_and_ticks(desk)
        await _steps_in_while_an_answer_is_in_the_making(desk)
        await _stops_everything_and_sees_why(desk)


async def _imports_the_bundled_export(desk: Desk) -> None:
    side = desk.page.locator(".side")
    await desk.page.locator("#voice").click()
    await side.locator("input[type=file]").set_input_files(LENA)
    await side.get_by_role("radio", name=re.compile("Lena Brandt")).check()
    await expect(side.get_by_role("radio", name=re.compile("No, learn the style only"))).to_be_checked()
    await side.get_by_role("radio", name=re.compile("Yes, keep them")).check()
    await side.get_by_role("button", name="Learn from this chat").click()
    await expect(side.get_by_text("It may sound like this")).to_be_visible(timeout=60_000)
    await desk.page.keyboard.press("Escape")


async def _is_answered_with_typing_and_ticks(desk: Desk) -> None:
    await desk.page.locator(".people").get_by_text("Mara Ruiz").click()
    await expect(desk.page.locator(".head .chip")).to_have_text("answering")
    asked = await desk.says("are we climbing on saturday?")
    await expect(desk.page.locator(".row.typing")).to_be_visible()
    reply = desk.page.locator(".row.bot:not(.typing)").first
    await expect(reply).to_be_visible(timeout=30_000)
    await expect(asked.get_by_role("img", name="Read")).to_be_visible()
    await expect(reply.get_by_role("img", name="Read")).to_be_visible()
    await desk.quiet()


async def _steps_in_while_an_answer_is_in_the_making(desk: Desk) -> None:
    """A short answer types for less than a second: one that left before the owner's word is tried again."""
    bots = desk.page.locator(".row.bot:not(.typing)")
    for question in ("and could you bring the long blue sling?", "or the red one?", "or any sling at all?"):
        answered = await bots.count()
        await desk.page.get_by_role("radio", name="As Mara").click()
        await desk.says(question)
        await desk.page.get_by_role("radio", name="As yourself").click()
        await desk.composer.fill("it is me now, i have it here")
        await expect(desk.page.locator(".row.typing")).to_be_visible()
        await desk.composer.press("Enter")
        await expect(desk.page.locator(".row.typing")).to_have_count(0)
        await expect(desk.page.locator(".head .chip")).to_contain_text("paused")
        await desk.quiet()
        if await bots.count() == answered:
            break
        await desk.page.locator(".head .act").click()
        await expect(desk.page.locator(".head .chip")).to_have_text("answering")
    await expect(bots).to_have_count(answered)
    await expect(desk.page.locator(".note").last).to_have_text("Not answered · you stepped in")


async def _stops_everything_and_sees_why(desk: Desk) -> None:
    await desk.page.locator(".people").get_by_text("Tom Okafor").click()
    await desk.says("lunch tomorrow?")
    await desk.page.locator(".head .title").click()
    await desk.page.keyboard.press("Shift+P")
    await expect(desk.page.locator("#banner")).to_contain_text("Everything is stopped since")
    await desk.quiet()
    await expect(desk.page.locator(".row.bot:not(.typing)")).to_have_count(0)
    await desk.page.locator(".note").last.click()
    side = desk.page.locator(".side")
    await expect(side.locator(".verdict code")).to_have_text("switch.pressed")
    await desk.page.locator("#banner").get_by_role("button", name="Resume answering").click()
    await desk.page.locator(".people").get_by_text("Mara Ruiz").click()
    await desk.page.locator(".row.bot:not(.typing) .meta").first.click()
    await expect(side.locator(".verdict")).to_contain_text("contact.enabled")
    await expect(side.locator(".card").first).to_contain_text("closeness")
