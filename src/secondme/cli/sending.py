"""`send`: a template or a medium by the owner's order. It is planned here; what runs sends it."""

from collections.abc import Sequence
from dataclasses import dataclass

from secondme.channels.whatsapp_cloud import declarations, media, template
from secondme.cli import show, standing
from secondme.cli.opening import opened, tell
from secondme.cli.ports import answers
from secondme.domain.errors import Ambiguous, Invalid, NotSent
from secondme.domain.order import Order
from secondme.domain.profile import Account
from secondme.meaning import in_its_own_words, make_numbers
from secondme.observe.health import UNKNOWN
from secondme.stores.ledger.orders import Standing
from secondme.web.dashboard.rules import rule
from secondme.web.neighbours import health_of
from secondme.wiring import App

OPEN = 3  # exit code of an order of which nobody knows yet whether it arrives
_WAIT = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class TemplateParts:
    """What was said of a template on the command line."""

    name: str | None
    language: str = "en_US"
    params: Sequence[str] = ()
    header: str | None = None
    buttons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Medium:
    """What was said of a medium on the command line."""

    medium: str | None
    caption: str | None = None
    filename: str | None = None


async def send(wanted: str, parts: TemplateParts, medium: Medium, account_id: str | None) -> int:
    """Returns the exit code. Raises SecondMeError with why not."""
    _one_of_both(parts, medium)
    async with opened(reads=True) as app:
        tell(standing.differs(app.settings))
        account = _account(app, account_id)
        order = await _template(app, account, parts) if parts.name else _medium(medium)
        id_, name = await app.orders.place(wanted, account, order)
        found = await app.orders.wait(id_, _WAIT)
        why = await _why_not(app, account) if found.status == "planned" else ""
        return _say(found, show.plain(name), why)


def _account(app: App, wanted: str | None) -> Account:
    """The account to send from. Raises NotFound, and Ambiguous also where only the running instance has several."""
    note = standing.found(app.settings.data_dir)
    running = [id_ for id_, channel, _ in note.accounts if channel == "whatsapp_cloud"] if note else []
    if wanted is None and len(running) > 1:
        raise Ambiguous(f"Say from which account, by --account: {', '.join(running)}.")
    return app.orders.account(wanted)


def _one_of_both(parts: TemplateParts, medium: Medium) -> None:
    """Raises Invalid for neither, for both, and for what belongs to the other one."""
    if bool(parts.name) == bool(medium.medium):
        raise Invalid("Say what to send: --template NAME, or --media KIND:MEDIA_ID.")
    if parts.name and (medium.caption is not None or medium.filename is not None):
        raise Invalid("--caption and --filename go with --media.")
    if medium.medium and (parts.params or parts.header is not None or parts.buttons):
        raise Invalid("--param, --header and --button go with --template.")


async def _template(app: App, account: Account, parts: TemplateParts) -> Order:
    wanted = template.Wanted(
        parts.name or "", parts.language, tuple(parts.params), parts.header, tuple(parts.buttons)
    )
    template.checked_name(wanted)
    number = make_numbers(app.settings)[account.id]
    with in_its_own_words(app.settings, account.id):
        declared = await declarations.fetch(number, wanted.name) if number.business_account_id else None
    return template.order(wanted, declared)


def _medium(medium: Medium) -> Order:
    return media.order(medium.medium or "", medium.caption, medium.filename)


async def _why_not(app: App, account: Account) -> str:
    """What may keep a plan from leaving, as the gateway says it."""
    port = app.settings.gateway_port
    if not await answers(app.settings.data_dir, "gateway", port):
        return "`secondme up` is not running"
    state = (await health_of(port) or {}).get("channels", {}).get(account.id, "ok")
    if state in ("ok", UNKNOWN):
        return "the gateway holds it"
    return f"channel of {account.id}: {state}, see `secondme doctor`"


def _say(found: Standing, name: str, why_not: str) -> int:
    """What became of it, in a line."""
    if found.status == "sent":
        print(f"Sent to {name}.")
        return 0
    if found.status in ("failed", "withdrawn"):
        why = rule(found.rule)
        code = f" {found.error}" if found.error and found.error.endswith(").") else ""
        raise NotSent(f"Not sent to {name}: {why.sentence if why else 'it was refused.'}{code}")
    if found.status == "planned":
        print(f"Planned for {name}, and not sent yet: {why_not}. It leaves within two minutes or never.")
    else:
        print(f"Uncertain: it may have reached {name}, and nobody knows. It is not sent again.")
    return OPEN
