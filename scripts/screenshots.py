"""Takes docs/images/simulator-*.png from the real page: starts the demo, lets its people talk, and looks.

    .venv/bin/python scripts/screenshots.py [FOLDER]

Needs Chromium. Everything runs in a temporary data directory on ports of its own and is stopped at the end.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import APIRequestContext, Browser, ViewportSize, sync_playwright

ROOT = Path(__file__).parents[1]
MOST_BYTES = 250_000  # of one picture
SIZE = ViewportSize(width=1440, height=860)
MARA, TOM, BERG = "+12025550111", "+12025550122", "+12025550133"
# Account, number, text, whether the owner writes it. Each waits until the one before has ended.
SCENE = (
    ("main", BERG, "Good morning, may I ask you for the figures once more?", False),
    ("main", TOM, "are you free on saturday?", False),
    ("journal", TOM, "Slept badly. Long walk along the river, better now.", False),
    ("main", MARA, "running ten minutes late, sorry", False),
    ("main", MARA, "pizza or thai tonight", False),
    ("main", MARA, "thai! I booked for eight, see you there", True),
)
CHOSEN = "pizza or thai tonight"  # the answer to this is asked why


def main(folder: Path) -> None:
    with running() as (gateway, link), sync_playwright() as playwright:
        api = playwright.request.new_context(base_url=gateway)
        for step in SCENE:
            play(api, *step)
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        cookies: Any = None
        for scheme in ("light", "dark"):
            cookies = take(browser, link, scheme, folder / f"simulator-{scheme}.png", cookies)
        browser.close()


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    sys.exit("screenshots: no Chromium here (Debian: apt-get install chromium).")


@contextlib.contextmanager
def running() -> Iterator[tuple[str, str]]:
    """The demo; its gateway's address and the one-time link to its page."""
    data = Path(tempfile.mkdtemp(prefix="secondme-screenshots-"))
    names = ("GATEWAY_PORT", "ORCHESTRATOR_PORT", "GRAPH_WORKER_PORT", "DASHBOARD_PORT")
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    settings = {
        "SECONDME_DATA_DIR": str(data),
        "SECONDME_PACING": "human",
        "SECONDME_DEBOUNCE": "300ms",
        **ports,
    }
    log = data / "screenshots.log"
    with log.open("wb") as output:
        command = [str(ROOT / ".venv/bin/secondme"), "up", "--demo"]
        process = subprocess.Popen(
            command, cwd=data, env={**os.environ, **settings}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        found = until(lambda: re.search(r"http://\S+/start\?token=\S+", log.read_text()), 90, process)
        yield f"http://127.0.0.1:{ports['GATEWAY_PORT']}", found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        shutil.rmtree(data, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def until[T](
    look: Callable[[], T | None], seconds: float, process: subprocess.Popen[bytes] | None = None
) -> T:
    """What `look` returns once that is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline or (process and process.poll() is not None):
            sys.exit("screenshots: it did not come to that; run `secondme up --demo` and see what it says.")
        time.sleep(0.1)
    return found


def play(api: APIRequestContext, account: str, number: str, text: str, from_me: bool) -> None:
    """Write, and wait until it has been answered, or not."""
    message = f"{number} {text}"
    body = {"account": account, "from": number, "text": text, "fromMe": from_me, "messageId": message}
    if account == "journal":
        body["name"] = "Tom Okafor"
    api.post("/simulator/messages", data=body)

    def ended() -> bool:
        bubbles = api.get("/simulator/messages", params={"with": number, "account": account}).json()
        mine = next(bubble for bubble in bubbles if bubble["id"] == message)
        return from_me or mine["status"] not in ("waiting", "answering")

    until(ended, 60)


def take(browser: Browser, link: str, scheme: Any, file: Path, cookies: Any) -> Any:
    """One picture; returns the cookies, for the link works once."""
    context = browser.new_context(
        viewport=SIZE, color_scheme=scheme, reduced_motion="reduce", storage_state=cookies
    )
    page = context.new_page()
    page.goto(link if cookies is None else link.split("/start")[0] + "/simulator")
    page.get_by_role("button", name="Mara Ruiz").first.click()
    question = page.locator(".row.contact", has_text=CHOSEN)
    question.locator("xpath=following-sibling::li[contains(@class, 'bot')][1]").locator(".b").click()
    page.get_by_text("Your own words it leaned on").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file)
    state = context.storage_state()
    context.close()
    if file.stat().st_size > MOST_BYTES:
        sys.exit(f"screenshots: {file} has {file.stat().st_size} bytes, more than {MOST_BYTES}.")
    return state


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/images")
