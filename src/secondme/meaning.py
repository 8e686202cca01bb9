"""What the settings mean: accounts, numbers and minds. Checked before anything is opened."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from secondme.channels.whatsapp_cloud import Number
from secondme.channels.whatsapp_cloud.number import HOST
from secondme.domain.errors import ConfigError
from secondme.domain.profile import Account
from secondme.domain.url import FORM, base_url
from secondme.llm.budget import Limits
from secondme.llm.plan import Plan, Wishes, make_plan
from secondme.llm.providers import ModelSpec
from secondme.pipeline.judge import QuietHours
from secondme.pipeline.limits import Pace, metas
from secondme.profiles import PROFILES, adjusted
from secondme.settings import AccountSettings, Settings

_OF_A_NUMBER = {
    "phone_number_id": (
        re.compile(r"[0-9]+", re.ASCII),
        "must have digits alone: it is Meta's id of the number, not the number itself",
    ),
    "permanent_token": (re.compile(r"[!-~]+"), "must have neither blanks nor line breaks"),
    "verify_token": (re.compile(r"[^\x00-\x1f\x7f]+"), "must have no line breaks"),
    "app_secret": (re.compile(r"[!-~]+"), "must have neither blanks nor line breaks"),
}
_SEE = "see docs/channels/whatsapp_cloud.md"


Check = Callable[[Settings], object]
"""Looks at settings for one purpose. Raises ConfigError naming everything that is wrong."""


def problems_of(settings: Settings, checks: Iterable[Check]) -> list[str]:
    """Everything that these checks find wrong, in a sentence each."""
    found: list[str] = []
    for check in checks:
        try:
            check(settings)
        except ConfigError as error:
            found += error.problems
    return found


def make_accounts(settings: Settings) -> dict[str, Account]:
    """The accounts by id, each with its profile as the settings adjust it. Raises ConfigError as make_numbers does."""
    make_numbers(settings)
    return {a.id: _account(a, settings) for a in settings.all_accounts}


def _account(account: AccountSettings, settings: Settings) -> Account:
    enabled = None if settings.new_contacts is None else settings.new_contacts == "enabled"
    profile = adjusted(
        PROFILES[account.profile],
        new_contacts_enabled=enabled,
        debounce=settings.debounce,
        rate_limit=settings.rate_limit,
        answer_within=settings.answer_within,
        quote_after=settings.quote_after,
        quote_behind=settings.quote_behind,
    )
    return Account(account.id, account.channel, profile, _scope(settings, account))


def _scope(settings: Settings, account: AccountSettings) -> str:
    """The widest that is surely within one of Meta's business portfolios, each of which has its own ids of people."""
    if account.channel != "whatsapp_cloud":
        return ""
    business = account.business_account_id or settings.whatsapp_business_account_id
    return business or _given(settings, account, "phone_number_id")


def make_numbers(settings: Settings) -> dict[str, Number]:
    """The numbers on Meta's API, by account id; an account's own settings come before the variables WHATSAPP_….

    Raises ConfigError that names everything missing or unusable at once, addresses of other channels too.
    """
    wanting = [account for account in settings.all_accounts if account.channel == "whatsapp_cloud"]
    problems = [problem for account in wanting for problem in _problems_of_a_number(settings, account)]
    problems += _shared(settings, wanting) + _addresses(settings)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return {account.id: _number(settings, account) for account in wanting}


def _number(settings: Settings, account: AccountSettings) -> Number:
    return Number(
        account.id,
        _given(settings, account, "phone_number_id"),
        _given(settings, account, "permanent_token"),
        _given(settings, account, "verify_token"),
        _given(settings, account, "app_secret"),
        settings.whatsapp_api_base_url or HOST,
        account.business_account_id or settings.whatsapp_business_account_id,
    )


def _given(settings: Settings, account: AccountSettings, name: str) -> str:
    return getattr(account, name) or getattr(settings, f"whatsapp_{name}") or ""


def _problems_of_a_number(settings: Settings, account: AccountSettings) -> list[str]:
    problems = []
    for name, (form, reads) in _OF_A_NUMBER.items():
        value, place = _given(settings, account, name), place_of(settings, account.id, name)
        if not value:
            other = f", or WHATSAPP_{name.upper()} for all accounts" if settings.accounts else ""
            problems.append(f"{place} is missing: Meta's API needs it{other}; {_SEE}.")
        elif not form.fullmatch(value):
            problems.append(f"{place} {reads}; copy it again.")
    return problems


def _shared(settings: Settings, wanting: Iterable[AccountSettings]) -> list[str]:
    """A number serves one account: which ones claim the same."""
    by_number: dict[str, list[str]] = {}
    for account in wanting:
        if number := _given(settings, account, "phone_number_id"):
            by_number.setdefault(number, []).append(account.id)
    return [
        f"Accounts {' and '.join(ids)} have one phone_number_id: each needs a phone_number_id of its own."
        for ids in by_number.values()
        if len(ids) > 1
    ]


def _addresses(settings: Settings) -> list[str]:
    """What is wrong with the addresses of the channels that an account uses."""
    variables = {"whatsapp_cloud": "WHATSAPP_API_BASE_URL", "simulator": "SIMULATOR_API_BASE_URL"}
    used = {variables[account.channel] for account in settings.all_accounts}
    given = {name: getattr(settings, name.lower()) for name in sorted(used)}
    return [f"{name} must be {FORM}." for name, value in given.items() if value and not base_url(value)]


def place_of(settings: Settings, account_id: str, name: str) -> str:
    """Where an account's setting stands, or belongs: in the list of accounts, else in a variable."""
    for at, account in enumerate(settings.accounts):
        general = getattr(settings, f"whatsapp_{name}")
        if account.id == account_id and (getattr(account, name) or not general):
            return f"accounts[{at}].{name} (account {account_id})"
    return f"WHATSAPP_{name.upper()}"


@contextmanager
def in_its_own_words(settings: Settings, account_id: str) -> Iterator[None]:
    """What the block says of the variables WHATSAPP_…, it says of where this account's settings really stand."""
    try:
        yield
    except ConfigError as error:
        said = str(error)
        for name in (*_OF_A_NUMBER, "business_account_id"):
            said = said.replace(f"WHATSAPP_{name.upper()}", place_of(settings, account_id, name))
        raise ConfigError(said) from error


def windowed(accounts: Iterable[Account]) -> frozenset[str]:
    """The accounts whose provider allows free text only for 24 hours after the contact's last message."""
    return frozenset(account.id for account in accounts if account.channel == "whatsapp_cloud")


def quiet_hours(settings: Settings) -> QuietHours | None:
    """SECONDME_QUIET_HOURS in SECONDME_TIMEZONE, for the judge."""
    quiet = settings.quiet_hours
    return QuietHours(quiet.start, quiet.end, settings.timezone, quiet.skip) if quiet else None


def paces(settings: Settings) -> dict[str, Pace]:
    """How fast each account's provider lets it speak, where that is known."""
    return {
        account.id: metas(account.messages_per_second or settings.whatsapp_messages_per_second)
        for account in settings.all_accounts
        if account.channel == "whatsapp_cloud"
    }


def make_wished_plan(settings: Settings) -> Plan:
    """Who is to be asked, and for how much, as it is written. Raises ConfigError naming everything that is wrong."""
    then = settings.budget_then or ("cheaper" if settings.budget_model else "line")
    wishes = Wishes(
        [
            ModelSpec(**one.model_dump(exclude={"timeout"}), timeout=one.timeout.total_seconds())
            for one in settings.models
        ],
        settings.openrouter_primary_model,
        settings.openrouter_fallback_model,
        Limits(settings.budget_contact, settings.budget_day, then),
        settings.budget_model,
        settings.embeddings,
        settings.embedding_dimension,
    )
    return make_plan(wishes, settings.providers)


# A process that answers for the accounts. One that only looks may lack what models need: it must be able to stop
# everything all the same.
SERVING: tuple[Check, ...] = (make_numbers, make_wished_plan)
LOOKING: tuple[Check, ...] = (make_numbers,)
