"""`up` and the services alone."""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

from secondme.cli import demo, show
from secondme.cli.halting import LIFELINE
from secondme.cli.opening import log_file, prepare, shown
from secondme.cli.running import run_forever, run_services
from secondme.cli.supervising import supervise
from secondme.domain.errors import StoreUnavailable
from secondme.loading import load
from secondme.meaning import SERVING, make_numbers, place_of
from secondme.observe.health import UNKNOWN
from secondme.services import NAMES
from secondme.web.dashboard.auth import make_link
from secondme.web.neighbours import all_health, ports_of, troubles
from secondme.web.webhooks import PATH
from secondme.wiring import App

_LOOKS, _LOOK_AGAIN = 14, 0.5  # seconds: a first look at a channel takes six at the most
UP = "secondme"  # what `up` calls itself in its log


def up(*, with_demo: bool, processes: bool) -> None:
    """The four services, in this process or in one each, until asked to stop."""
    settings = load(checks=(*SERVING, demo.phones_only) if with_demo else SERVING)
    prepare(settings, UP)

    async def before(app: App) -> None:
        if with_demo:
            await demo.seed(app, say)

    if processes:
        run_forever(supervise(settings, NAMES, say, before, announce))
    else:
        run_forever(run_services(settings, NAMES, say, before=before, started=announce))
    say("Stopped.")


def alone(name: str) -> None:
    """One service in this process, until asked to stop."""
    settings = load(checks=SERVING)
    supervised = LIFELINE in os.environ
    prepare(settings, name, stderr=not supervised)

    async def started(app: App) -> None:
        say(f"The {name} is ready.")

    if supervised:  # the supervisor speaks for all; what matters is in the log
        run_forever(run_services(settings, [name], lambda line: None))
    else:
        run_forever(run_services(settings, [name], say, started=started))


async def announce(app: App) -> None:
    """How to get in, who answers, and how to stop."""
    accounts = ", ".join(f"{a.id} ({a.profile.name}, {a.channel})" for a in app.accounts.values())
    show.line("\nSecondMe is running.\n", "bold")
    try:
        show.line(f"  Open      {await make_link(app)}", "bold")
        show.line(f"            (works once, within 15 minutes; `{show.command('link')}` prints a fresh one)")
    except StoreUnavailable:
        show.line("  Open      no link yet: Redis does not answer. Once it does, `secondme link` prints one.")
    show.line(f"  Answers   {who_answers(app)}")
    show.line(f"  Accounts  {accounts}")
    for line in _at_meta(app):
        show.line(line)
    show.line(f"  Log       {shown(log_file(app.settings, UP))}\n")
    show.line("Ctrl-C stops everything.", "bold")
    if make_numbers(app.settings):
        await _complain(app)


async def _complain(app: App) -> None:
    """Say what keeps the services from working, once the gateway has looked at its channels."""
    found: list[dict[str, Any]] = []
    for _ in range(_LOOKS):
        found = await all_health(ports_of(app.settings))
        if not any(UNKNOWN in one.get("channels", {}).values() for one in found):
            break
        await asyncio.sleep(_LOOK_AGAIN)
    for trouble in troubles(found):
        show.line(f"To mend: {trouble}. What to do: `{show.command('doctor')}`", "bold")


def _at_meta(app: App) -> Iterator[str]:
    """What has to be entered at Meta, where an account is there: the webhook's path is ours, the host is not."""
    numbers = make_numbers(app.settings)
    if numbers:
        tokens = dict.fromkeys(place_of(app.settings, id_, "verify_token") for id_ in numbers)
        yield f"  Webhook   {PATH} on port {app.settings.gateway_port}. Enter at Meta, under WhatsApp → Configuration:"
        yield f"            callback URL https://YOUR.HOST{PATH}, verify token as in {' or '.join(tokens)},"
        yield "            fields messages and, with the Business app, smb_message_echoes"


def who_answers(app: App) -> str:
    """Which mind answers, said plainly where it is none."""
    if app.mind_name == "offline":
        return "the offline mind: no model is set (SECONDME_MODELS), so it repeats what you have said before"
    return app.mind_name


def say(line: str) -> None:
    """What is going on, at once."""
    show.line(line, "dim")
