"""What `doctor` says about numbers on Meta's API, and about what Meta posts to the gateway that runs here."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from secondme.channels.whatsapp_cloud import UNKNOWN_NUMBER, Number, WhatsAppCloudChannel
from secondme.channels.whatsapp_cloud.subscription import subscribed
from secondme.cli import show
from secondme.cli.findings import Finding, checked
from secondme.cli.ports import answers
from secondme.domain.errors import ConfigError
from secondme.meaning import in_its_own_words, place_of
from secondme.settings import Settings
from secondme.stores.ledger import Ledger, glances, people
from secondme.stores.ledger.strays import strays
from secondme.web.webhooks import PATH

_CHALLENGE = "doctor"
_NETWORK = people.network_of("whatsapp_cloud")
_PATIENCE = aiohttp.ClientTimeout(total=4)


async def look(settings: Settings, number: Number) -> str:
    """Ask Meta about the number; every question proves the app secret. Raises ConfigError with what to do."""
    channel = WhatsAppCloudChannel(number)
    try:
        with in_its_own_words(settings, number.account_id):
            said = await channel.look()
    finally:
        await channel.close()
    return f"{said}; the app secret is that of the token's app"


async def subscriptions(settings: Settings, numbers: Mapping[str, Number]) -> list[Finding]:
    """Whether Meta posts to the app at all, as far as the business account's id is known."""
    return [
        await checked(f"subscription of {id_}", partial(_subscribed, settings, number))
        for id_, number in numbers.items()
        if number.business_account_id
    ]


async def _subscribed(settings: Settings, number: Number) -> str:
    with in_its_own_words(settings, number.account_id):
        return await subscribed(number)


async def webhooks(settings: Settings, numbers: Mapping[str, Number], *, agrees: bool) -> list[Finding]:
    """What the running gateway has refused. Where its settings agree with these, it is also asked as Meta asks."""
    if not numbers:
        return []
    if not await answers(settings.data_dir, "gateway", settings.gateway_port):
        return [Finding("webhooks", unseen="no gateway runs here that could tell what Meta posts")]
    found = [await checked("webhooks", partial(_posts, settings, numbers))]
    for id_, number in numbers.items():
        what = f"verify token of {id_}"
        if agrees:
            found.append(await checked(what, partial(_verifies, settings, number)))
        else:
            found.append(Finding(what, unseen="this shell has other settings than the gateway that runs"))
    return found


async def _posts(settings: Settings, numbers: Mapping[str, Number]) -> str:
    """Raises ConfigError where everything that came was refused: some strangers are no reason to doubt a secret."""
    counted = await _counted(settings.gateway_port)
    began = datetime.fromtimestamp(counted["process_start_time_seconds", ""], UTC)
    since = f"since {show.moment(began, settings.timezone)}"
    believed = int(counted["secondme_webhooks_believed_total", ""])
    unsigned = int(counted["secondme_webhooks_refused_total", "signature"])
    unverified = int(counted["secondme_webhooks_refused_total", "token"])
    if unsigned and not believed:
        raise ConfigError(
            f"{show.count(unsigned, 'post')} with a bad signature {since}, none with a good one:"
            f" {_places(settings, numbers, 'app_secret')} is not the secret of the app that posts."
        )
    if unverified and not believed:
        raise ConfigError(
            f"{show.count(unverified, 'question')} with another verify token {since}: where it was Meta's, enter"
            f" there what {_places(settings, numbers, 'verify_token')} says here."
        )
    return f"{show.count(believed, 'post')} with a good signature {since}, {unsigned:,} with a bad one"


async def _counted(port: int) -> dict[tuple[str, str], float]:
    """The gateway's metrics, by name and by what was wrong."""
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE) as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        families = text_string_to_metric_families(await answer.text())
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, sample.labels.get("wrong", "")): sample.value for sample in samples}


async def _verifies(settings: Settings, number: Number) -> str:
    """Ask as Meta does when the webhook is entered there. Raises ConfigError for another answer than Meta wants."""
    asked = {
        "hub.mode": "subscribe",
        "hub.verify_token": number.verify_token,
        "hub.challenge": _CHALLENGE,
    }
    url = f"http://127.0.0.1:{settings.gateway_port}{PATH}/{number.account_id}"
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE) as session,
        session.get(url, params=asked) as answer,
    ):
        if answer.status == 200 and await answer.text() == _CHALLENGE:
            return "the gateway takes it"
    place = place_of(settings, number.account_id, "verify_token")
    raise ConfigError(f"The running gateway does not take what {place} says here: start it anew.")


async def arrivals(settings: Settings, ledger: Ledger, numbers: Mapping[str, Number]) -> list[Finding]:
    """What has arrived so far, and what went to numbers that nobody has set up."""
    if not numbers:
        return []
    found = [await checked(f"webhooks of {id_}", partial(heard, settings, ledger, id_)) for id_ in numbers]
    return [*found, await checked("other numbers", partial(stray, settings, ledger, numbers))]


async def heard(settings: Settings, ledger: Ledger, account_id: str) -> str:
    """Which fields are subscribed cannot be asked with the number's own token, so what has arrived has to tell."""
    async with ledger.transaction() as tx:
        from_contacts, from_owner = await glances.last_heard(tx, account_id, _NETWORK)
    return (
        f"field messages: {_last(settings, from_contacts)};"
        f" field smb_message_echoes (what you write in the Business app): {_last(settings, from_owner)}"
    )


def _last(settings: Settings, moment: datetime | None) -> str:
    if moment is None:
        return "nothing yet, see that it is subscribed"
    return f"last {moment.astimezone(settings.timezone):%Y-%m-%d %H:%M}"


async def stray(settings: Settings, ledger: Ledger, accounts: Iterable[str]) -> str:
    """Raises ConfigError where messages went to a number that is not set up, and an account has heard nothing since:
    its id is likely the one that is wrong."""
    async with ledger.transaction() as tx:
        kept = await strays(tx, ledger.vault, UNKNOWN_NUMBER)
        if kept is None:
            return "nothing was said to a number that is not set up here"
        last = {id_: await glances.last_heard(tx, id_, _NETWORK) for id_ in accounts}
    silent = [id_ for id_, moments in last.items() if not any(m and m >= kept.since for m in moments)]
    said = (
        f"{show.count(kept.count, 'message')} to a number that is not set up here ({_number(kept.newest)}),"
        f" kept aside since {kept.since.astimezone(settings.timezone):%Y-%m-%d %H:%M}"
    )
    if not silent:
        return f"{said}; all accounts have heard something since, so it is another number of the same app"
    raise ConfigError(
        f"{said}: {_places(settings, silent, 'phone_number_id')} is likely wrong. Compare it with the phone number ID"
        " under WhatsApp → API Setup."
    )


def _number(payload: str) -> str:
    """Meta's id of the number that a stray message was said to; nothing else of it."""
    try:
        number = json.loads(payload)["metadata"]["phone_number_id"]
    except (ValueError, LookupError, TypeError):
        number = None
    known = isinstance(number, str) and number.isascii() and number.isdigit()
    return f"phone_number_id {number}" if known else "its id cannot be read"


def _places(settings: Settings, accounts: Iterable[str], name: str) -> str:
    """Where these accounts' settings of that name stand, each place once."""
    return " or ".join(dict.fromkeys(place_of(settings, id_, name) for id_ in accounts))
