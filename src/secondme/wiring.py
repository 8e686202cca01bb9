"""Settings become an App: each port is opened once, with how to ping and how to close it.

`/health` and `doctor` are loops over the pings, so a new dependency cannot be forgotten.
"""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from secondme.channels.simulator import SimulatorChannel
from secondme.channels.whatsapp_cloud import WhatsAppCloudChannel
from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.domain.profile import Account
from secondme.embedded import EmbeddedStores
from secondme.llm.minds import Minds, make_minds
from secondme.llm.plan import Plan, with_ollama
from secondme.meaning import make_accounts, make_numbers, make_wished_plan
from secondme.memory.gists import Reads, reader
from secondme.memory.hearing import Merged
from secondme.memory.import_worker import ImportWorker
from secondme.memory.importing import Importer
from secondme.memory.mirroring import Mirror, Sleep
from secondme.memory.voice.own import OwnVoice
from secondme.observe import health
from secondme.observe.audit import AuditLog
from secondme.observe.gate import Gate
from secondme.observe.health import Ping
from secondme.owner.control import Control
from secondme.owner.orders import Orders
from secondme.pipeline.effects import Effects
from secondme.pipeline.personas import Personas
from secondme.pipeline.switch import Switch
from secondme.ports import Channel
from secondme.profiles.personas import DEFAULT_PERSONAS
from secondme.settings import Settings
from secondme.stores.graph import Graph
from secondme.stores.ledger import Ledger, migrate, people, voices
from secondme.stores.ledger.usage import LedgerUsage
from secondme.stores.signals import RedisSignals
from secondme.stores.vault import KeyRing

Say = Callable[[str], None]
HELD_PRESS = "run/held-press.json"


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class App:
    """Everything that is open. `pings` by dependency; `close()` closes in reverse.

    Where the gateway runs, `channels` says how each account's channel was when it was last looked at, and `gates` are
    the breakers of those that lead outside. Where the dashboard runs, `troubles` is what the services complain of.
    """

    settings: Settings
    ledger: Ledger
    signals: RedisSignals
    graph: Graph
    mirror: Mirror
    clock: SystemClock
    accounts: dict[str, Account]
    minds: Minds
    merged: Merged  # who is one with whom; its breaker is that of all that a Turn asks the graph
    voice: OwnVoice
    personas: Personas
    audit: AuditLog
    effects: Effects
    switch: Switch
    control: Control
    orders: Orders
    importer: Importer
    import_worker: ImportWorker
    reads: Callable[[bool], Reads]  # how messages are read, where a model may be asked and where not
    stores: EmbeddedStores | None
    stack: AsyncExitStack
    pings: dict[str, Ping] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    gates: list[Gate] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def mind_name(self) -> str:
        return self.minds.mind.name

    async def health(self) -> dict[str, Any]:
        """What this process depends on and how each is; of its models, how the last ask of each failed, if it did."""
        found = await health.health(self.pings, self.channels, [*self.minds.gates, *self.gates])
        return found | {"minds": {gate.service: gate.fault for gate in self.minds.gates if gate.fault}}

    async def close(self) -> None:
        await self.stack.aclose()


async def open_app(settings: Settings, say: Say = lambda line: None, *, serves: bool = False) -> App:
    """Open every port. Raises ConfigError or StoreUnavailable with one line that says what to do.

    `serves`: this process answers for the accounts, so the ledger takes their profiles from these settings. One that
    only looks must not: its shell may name another profile, whose content window would erase a journal.
    """
    settings.data_dir = settings.data_dir.expanduser().resolve()
    stack = AsyncExitStack()
    try:
        return await _open(settings, stack, say, serves)
    except BaseException:
        await stack.aclose()
        raise


async def _open(settings: Settings, stack: AsyncExitStack, say: Say, serves: bool) -> App:
    accounts, plan = make_accounts(settings), await _plan(settings, say, serves)
    stores, ledger, signals, graph = await _open_stores(settings, stack, say)
    clock, audit = SystemClock(), AuditLog(settings.data_dir / "logs")
    stack.callback(audit.close)
    effects = Effects(signals, audit, ledger.vault)
    stack.push_async_callback(effects.told)
    minds = make_minds(plan, LedgerUsage(ledger), clock, settings.timezone)
    stack.push_async_callback(minds.close)
    await _seed(ledger, accounts.values() if serves else (), clock)
    switch = Switch(ledger, signals, effects, clock, settings.data_dir / HELD_PRESS)
    chats = settings.data_dir / "imports"
    control = Control(ledger, signals, effects, switch, clock, chats)
    personas = Personas(ledger, signals)
    mirror = Mirror(ledger, graph, personas, clock, minds.embedder.dimension, _sleep(settings))
    if serves:
        await _prepare_graph(graph, mirror, say)
    reads, merged = partial(reader, minds.extractor), Merged(graph)
    by_meta = {name: account for name, account in accounts.items() if account.channel == "whatsapp_cloud"}
    return App(
        settings=settings,
        ledger=ledger,
        signals=signals,
        graph=graph,
        mirror=mirror,
        clock=clock,
        accounts=accounts,
        minds=minds,
        merged=merged,
        voice=OwnVoice(voices.LedgerVoices(ledger), ledger.vault.cue_key(), merged=merged),
        personas=personas,
        audit=audit,
        effects=effects,
        switch=switch,
        control=control,
        orders=Orders(ledger, by_meta, control, switch, effects, clock),
        importer=Importer(ledger, signals, effects, clock, DEFAULT_PERSONAS, settings.timezone, chats),
        import_worker=ImportWorker(ledger, graph, mirror, effects, reads, clock, settings.timezone, chats),
        reads=reads,
        stores=stores,
        stack=stack,
        pings={"postgres": ledger.ping, "redis": signals.ping, "falkordb": graph.ping},
    )


async def _open_stores(
    settings: Settings, stack: AsyncExitStack, say: Say
) -> tuple[EmbeddedStores | None, Ledger, RedisSignals, Graph]:
    """The three of them, wherever they run, the ledger at its newest schema."""
    stores, database_url, redis_url, graph_url = await _stores(settings, stack, say)
    if await migrate.migrate(database_url):
        say("The database is ready.")
    ledger = await Ledger.open(database_url, _ring(settings))
    stack.push_async_callback(ledger.close)
    signals, graph = RedisSignals(redis_url), Graph(graph_url)
    stack.push_async_callback(signals.close)
    stack.push_async_callback(graph.close)
    return stores, ledger, signals, graph


async def _prepare_graph(graph: Graph, mirror: Mirror, say: Say) -> None:
    """To its newest schema. Neither ears nor mouth need it: where it does not answer, the mirror does this later."""
    try:
        await graph.ping()
        await mirror.migrate()
    except StoreUnavailable as error:
        say(str(error))


def _sleep(settings: Settings) -> Sleep | None:
    quiet = settings.quiet_hours
    return Sleep(quiet.start, quiet.end) if quiet else None


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
    plan = make_wished_plan(settings)
    found = await with_ollama(plan, settings.providers)
    if found != plan:
        say(f"No model is set; the Ollama of this machine has one: {found.models[0].label} answers.")
    return found


def make_channels(settings: Settings) -> dict[str, Channel]:
    """One channel for each account; only the outbox gets them. Raises ConfigError as make_numbers does."""
    return {a.id: _CHANNELS[a.channel](settings, a.id) for a in settings.all_accounts}


_CHANNELS: dict[str, Callable[[Settings, str], Channel]] = {
    "simulator": lambda settings, account: SimulatorChannel(settings.simulator_api_base_url),
    "whatsapp_cloud": lambda settings, account: WhatsAppCloudChannel(make_numbers(settings)[account]),
}


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
