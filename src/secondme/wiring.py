"""Settings become an App: each port is opened once, with how to ping and how to close it.

`/health` and `doctor` are loops over the pings, so a new dependency cannot be forgotten.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from secondme.channels.simulator import SimulatorChannel
from secondme.channels.whatsapp_cloud import Number, WhatsAppCloudChannel
from secondme.channels.whatsapp_cloud.number import HOST
from secondme.domain.breaker import State
from secondme.domain.errors import ConfigError
from secondme.domain.profile import Account
from secondme.embedded import EmbeddedStores
from secondme.llm.budget import Limits
from secondme.llm.minds import Minds, make_minds
from secondme.llm.plan import Plan, Wishes, make_plan, with_ollama
from secondme.llm.providers import ModelSpec
from secondme.memory.voice.own import OwnVoice
from secondme.observe.audit import AuditLog
from secondme.pipeline.control import Control
from secondme.pipeline.effects import Effects
from secondme.pipeline.importing import Importer
from secondme.pipeline.judge import QuietHours
from secondme.pipeline.limits import META, Pace
from secondme.pipeline.orders import Orders
from secondme.pipeline.personas import Personas
from secondme.pipeline.switch import Switch
from secondme.ports import Channel
from secondme.profiles import PROFILES, adjusted
from secondme.profiles.personas import DEFAULT_PERSONAS
from secondme.settings import AccountSettings, Settings
from secondme.stores.graph import Graph
from secondme.stores.ledger import Ledger, migrate, people, voices
from secondme.stores.ledger.usage import LedgerUsage
from secondme.stores.signals import RedisSignals
from secondme.stores.vault import KeyRing

Say = Callable[[str], None]
Ping = Callable[[], Awaitable[None]]
HELD_PRESS = "run/held-press.json"


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class App:
    """Everything that is open. `pings` by dependency; `close()` closes in reverse."""

    settings: Settings
    ledger: Ledger
    signals: RedisSignals
    graph: Graph
    clock: SystemClock
    accounts: dict[str, Account]
    minds: Minds
    voice: OwnVoice
    personas: Personas
    audit: AuditLog
    effects: Effects
    switch: Switch
    control: Control
    orders: Orders
    importer: Importer
    stores: EmbeddedStores | None
    stack: AsyncExitStack
    pings: dict[str, Ping] = field(default_factory=dict)

    @property
    def mind_name(self) -> str:
        return self.minds.mind.name

    async def health(self) -> dict[str, Any]:
        """What this process depends on and how each is. Up as long as the ledger answers; ears need nothing else."""
        names = list(self.pings)
        states = dict(
            zip(names, await asyncio.gather(*(_state(self.pings[name]) for name in names)), strict=True)
        )
        now = time.monotonic()
        breakers = {name: breaker.state(now) for name, breaker in self.minds.breakers.items()}
        well = all(s == "ok" for s in states.values()) and State.OPEN not in breakers.values()
        status = "down" if states["postgres"] != "ok" else "ok" if well else "degraded"
        return {"status": status, "dependencies": states, "breakers": breakers}

    async def close(self) -> None:
        await self.stack.aclose()


async def _state(ping: Ping) -> str:
    try:
        async with asyncio.timeout(2.5):
            await ping()
    except Exception as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


async def open_app(settings: Settings, say: Say = lambda line: None, *, serves: bool = False) -> App:
    """Open every port. Raises ConfigError or StoreUnavailable with one line that says what to do.

    `serves`: this process answers for the accounts, so the ledger takes their profiles from these settings. One that
    only looks must not: its shell may name another profile, whose content window would erase a journal.
    """
    stack = AsyncExitStack()
    try:
        return await _open(settings, stack, say, serves)
    except BaseException:
        await stack.aclose()
        raise


async def _open(settings: Settings, stack: AsyncExitStack, say: Say, serves: bool) -> App:
    settings.data_dir = settings.data_dir.expanduser().resolve()
    accounts, plan = make_accounts(settings), await _plan(settings, say, serves)
    stores, database_url, redis_url, graph_url = await _stores(settings, stack, say)
    if await migrate.migrate(database_url):
        say("The database is ready.")
    ring = _ring(settings)
    ledger = await Ledger.open(database_url, ring)
    stack.push_async_callback(ledger.close)
    signals = RedisSignals(redis_url)
    stack.push_async_callback(signals.close)
    graph = Graph(graph_url)
    stack.push_async_callback(graph.close)
    clock, audit = SystemClock(), AuditLog(settings.data_dir / "logs")
    stack.callback(audit.close)
    effects = Effects(signals, audit, ledger.vault)
    stack.push_async_callback(effects.told)
    minds = make_minds(plan, LedgerUsage(ledger), clock, settings.timezone)
    stack.push_async_callback(minds.close)
    await _seed(ledger, accounts.values() if serves else (), clock)
    switch = Switch(ledger, signals, effects, clock, settings.data_dir / HELD_PRESS)
    control = Control(ledger, signals, effects, switch, clock)
    by_meta = {name: account for name, account in accounts.items() if account.channel == "whatsapp_cloud"}
    app = App(
        settings=settings,
        ledger=ledger,
        signals=signals,
        graph=graph,
        clock=clock,
        accounts=accounts,
        minds=minds,
        voice=OwnVoice(voices.LedgerVoices(ledger), ledger.vault.cue_key()),
        personas=Personas(ledger, signals),
        audit=audit,
        effects=effects,
        switch=switch,
        control=control,
        orders=Orders(ledger, by_meta, control, switch, effects, clock),
        importer=Importer(ledger, signals, effects, clock, DEFAULT_PERSONAS, settings.timezone),
        stores=stores,
        stack=stack,
    )
    app.pings = {"postgres": ledger.ping, "redis": signals.ping, "falkordb": graph.ping}
    return app


async def _plan(settings: Settings, say: Say, serves: bool) -> Plan:
    """A shell that lacks a model's key can stop everything all the same: what only looks asks no model."""
    try:
        return await plan_minds(settings, say)
    except ConfigError:
        if serves:
            raise
        return Plan()


async def plan_minds(settings: Settings, say: Say = lambda line: None) -> Plan:
    """Who is to be asked, and for how much. Raises ConfigError naming everything that is wrong about models."""
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
    plan = make_plan(wishes, settings.providers)
    found = await with_ollama(plan, settings.providers)
    if found != plan:
        say(f"No model is set; the Ollama of this machine has one: {found.models[0].label} answers.")
    return found


def make_accounts(settings: Settings) -> dict[str, Account]:
    """The accounts by id, each with its profile as the settings adjust it."""
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
    )
    return Account(account.id, account.channel, profile)


def make_channels(app: App) -> dict[str, Channel]:
    """One channel for each account; only the outbox gets them."""
    return {a.id: _CHANNELS[a.channel](app.settings, a.id) for a in app.accounts.values()}


_CHANNELS: dict[str, Callable[[Settings, str], Channel]] = {
    "simulator": lambda settings, account: SimulatorChannel(settings.simulator_api_base_url),
    "whatsapp_cloud": lambda settings, account: WhatsAppCloudChannel(make_numbers(settings)[account]),
}
_OF_A_NUMBER = {
    "phone_number_id": re.compile(r"[0-9]+", re.ASCII),
    "permanent_token": re.compile(r"[!-~]+"),
    "verify_token": re.compile(r"[^\x00-\x1f\x7f]+"),
    "app_secret": re.compile(r"[!-~]+"),
}


def make_numbers(settings: Settings) -> dict[str, Number]:
    """The numbers on Meta's API, by account id; an account's own settings come before the variables WHATSAPP_….

    Raises ConfigError that names everything missing at once.
    """
    wanting = [account for account in settings.all_accounts if account.channel == "whatsapp_cloud"]
    found = {
        account.id: {
            name: getattr(account, name) or getattr(settings, f"whatsapp_{name}") or ""
            for name in _OF_A_NUMBER
        }
        for account in wanting
    }
    missing = [
        f"WHATSAPP_{name.upper()} (account {account}: {name})"
        for account, values in found.items()
        for name, value in values.items()
        if not value
    ]
    if missing:
        raise ConfigError(f"Meta's API needs {', '.join(missing)}: see docs/channels/whatsapp_cloud.md.")
    unusable = [
        f"{name} of account {account}"
        for account, values in found.items()
        for name, value in values.items()
        if not _OF_A_NUMBER[name].fullmatch(value)
    ]
    if unusable:
        raise ConfigError(
            f"Meta's API cannot be reached with this: {', '.join(unusable)}. A phone_number_id is made of digits, a"
            " token or secret has no blanks and no line breaks: copy them again."
        )
    if len({values["phone_number_id"] for values in found.values()}) < len(found):
        raise ConfigError("Every account on Meta's API needs a phone_number_id of its own in secondme.yaml.")
    base = settings.whatsapp_api_base_url or HOST
    business = {a.id: a.business_account_id or settings.whatsapp_business_account_id for a in wanting}
    return {
        account: Number(
            account,
            values["phone_number_id"],
            values["permanent_token"],
            values["verify_token"],
            values["app_secret"],
            base,
            business[account],
        )
        for account, values in found.items()
    }


def windowed(accounts: Iterable[Account]) -> frozenset[str]:
    """The accounts whose provider allows free text only for 24 hours after the contact's last message."""
    return frozenset(account.id for account in accounts if account.channel == "whatsapp_cloud")


def quiet_hours(settings: Settings) -> QuietHours | None:
    """SECONDME_QUIET_HOURS in SECONDME_TIMEZONE, for the judge."""
    quiet = settings.quiet_hours
    return QuietHours(quiet.start, quiet.end, settings.timezone, quiet.skip) if quiet else None


def paces(accounts: Iterable[Account]) -> dict[str, Pace]:
    """How fast each account's provider lets it speak, where that is known."""
    return {account.id: META for account in accounts if account.channel == "whatsapp_cloud"}


async def _stores(
    settings: Settings, stack: AsyncExitStack, say: Say
) -> tuple[EmbeddedStores | None, str, str, str]:
    """Addresses of the three stores; those that no setting names are started here, or joined where they run."""
    given = {
        "postgres": settings.database_url,
        "redis": settings.redis_address,
        "falkordb": settings.falkordb_address,
    }
    need = [name for name, url in given.items() if url is None]
    stores = None
    if need:
        stores = await EmbeddedStores.attach(settings.data_dir, say, need)  # type: ignore[arg-type]
        stack.push_async_callback(stores.detach)
        given["postgres"] = given["postgres"] or stores.addresses.database_url
        given["redis"] = given["redis"] or stores.addresses.redis_url
        given["falkordb"] = given["falkordb"] or stores.addresses.falkordb_url
    return stores, given["postgres"] or "", given["redis"] or "", given["falkordb"] or ""


def _ring(settings: Settings) -> KeyRing:
    if settings.secret_key:
        return KeyRing.parse(settings.secret_key)
    return KeyRing.from_file(settings.data_dir / "secret.key")


async def _seed(ledger: Ledger, accounts: Iterable[Account], clock: SystemClock) -> None:
    async with ledger.transaction() as tx:
        await people.put_accounts(tx, sorted(accounts, key=lambda a: a.id))
        for persona in DEFAULT_PERSONAS:
            await voices.put_persona(tx, ledger.vault, persona, clock.now(), overwrite=False)
