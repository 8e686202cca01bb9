"""The four services, each a list of tasks around one App; together in one process, or each in its own."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import uvicorn

from secondme.domain.errors import StoreUnavailable
from secondme.meaning import make_numbers, paces, quiet_hours, windowed
from secondme.memory.embedding import Embedding
from secondme.memory.hearing import Hearing
from secondme.memory.live import Learner
from secondme.observe import metrics
from secondme.observe.health import UNKNOWN, state_of
from secondme.observe.logs import get_logger
from secondme.pipeline.compose import Compose
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import HISTORY, MESSAGES, RESPONSES
from secondme.pipeline.inbox import Inbox
from secondme.pipeline.journey import journey
from secondme.pipeline.judge import Judge
from secondme.pipeline.limits import Limits
from secondme.pipeline.outbox import Outbox
from secondme.pipeline.pacing import Pacing
from secondme.pipeline.recall import Recall
from secondme.pipeline.retaining import Retention, purge_files
from secondme.pipeline.threads import Threads
from secondme.pipeline.turns import Turns, end_unserved
from secondme.stores.graph.forgetting import forget_questions
from secondme.stores.ledger import holding, people, reading
from secondme.web.asgi import Bare, common
from secondme.web.gateway import create_gateway
from secondme.web.neighbours import watch
from secondme.web.sockets import bind, make_room, options
from secondme.wiring import App, make_channels

log = get_logger("services")
NAMES = ("gateway", "orchestrator", "graph-worker", "dashboard")
_DRAIN = 8.0  # seconds that unfinished work gets to end
_CANCEL_AGAIN = 1.0  # seconds
_LOOKS_EVERY = 30.0  # seconds: Meta allows 200 such questions an hour while a number is being set up
_LOOK = 6.0  # seconds that one may take
_MIRRORS_EVERY = 5.0  # seconds


@dataclass(slots=True)
class Service:
    """One service: what listens, what runs beside it, and how its work is brought to an end."""

    name: str
    port: int
    web: Any  # an ASGI application
    tasks: list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]
    drain: Callable[[float], Awaitable[list[str]]] | None = None
    close: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


def gateway(app: App) -> Service:
    """Ears and mouth: the inbox, the outbox, and the mirrors in Redis."""
    inbox = Inbox(app.ledger, app.accounts, app.effects, app.clock)
    channels, numbers = make_channels(app.settings), make_numbers(app.settings)
    bell = Doorbell(app.signals, RESPONSES, "gateway")
    app.effects.hears(RESPONSES, bell.near)
    shut = windowed(app.accounts.values())
    limits = Limits(paces(app.settings))
    outbox = Outbox(
        app.ledger, channels, app.switch, app.effects, bell, app.clock, shut, limits, _patience(app)
    )
    threads = Threads(app.ledger, {a.id: people.network_of(a.channel) for a in app.accounts.values()})

    async def health() -> dict[str, Any]:
        return {"service": "gateway", **await app.health(), "webhooks": metrics.webhooks()}

    async def look(account_id: str) -> None:
        state = app.channels[account_id] = await state_of(channels[account_id].ping, _LOOK)
        metrics.whatsapp_connected.labels(account_id).set(state == "ok")

    async def connected() -> None:
        await asyncio.gather(*map(look, channels))

    app.channels |= dict.fromkeys(channels, UNKNOWN)
    app.gates += [channel.gate for channel in channels.values() if channel.gate]
    return Service(
        "gateway",
        app.settings.gateway_port,
        create_gateway(app.accounts, inbox, threads, app.clock, health, list(numbers.values())),
        [
            ("outbox", outbox.run),
            ("doorbell", bell.run),
            ("mirror", lambda: _every(2.0, app.switch.mirror)),
            ("channels", lambda: _every(_LOOKS_EVERY, connected)),
        ],
        outbox.drain,
        [channel.close for channel in channels.values()],
    )


def _patience(app: App) -> holding.Patience:
    return {account.id: account.profile.answer_within for account in app.accounts.values()}


def orchestrator(app: App) -> Service:
    """Claims what is due and composes."""
    bell = Doorbell(app.signals, MESSAGES, "orchestrator")
    app.effects.hears(MESSAGES, bell.near)
    # The offline mind says what the owner has said before, and reads no facts.
    memory = Hearing(app.graph, app.minds.embedder, gate=app.merged.gate) if app.minds.plan.models else None
    app.gates.append(app.merged.gate)
    recall = Recall(app.ledger, app.personas, app.voice, memory)
    stages = journey(Judge(quiet_hours(app.settings)), recall, Compose(app.minds.mind))
    pacing = Pacing(app.settings.pacing == "human")
    turns = Turns(app.ledger, app.accounts, stages, pacing, app.effects, bell, app.clock)

    async def gauge() -> None:
        async with app.ledger.transaction() as tx:
            state = await reading.state(tx, app.clock.now())
        metrics.due_conversations.set(state["due"])

    return Service(
        "orchestrator",
        app.settings.orchestrator_port,
        Bare(common(_health(app, "orchestrator"))),
        [
            ("turns", turns.run),
            ("personas", app.personas.listen),
            ("leases", turns.keep_leases),
            ("doorbell", bell.run),
            ("gauges", lambda: _every(5.0, gauge)),
        ],
        turns.drain,
    )


def graph_worker(app: App) -> Service:
    """Memory's hands: learns what is said, repeats the ledger in the graph, and keeps retention."""
    bell = Doorbell(app.signals, HISTORY, "graph-worker")
    app.effects.hears(HISTORY, bell.near)
    learner = Learner(
        app.ledger, app.graph, app.mirror, app.reads(app.settings.extraction == "model"), bell, app.clock,
        app.settings.timezone, app.import_worker.ring,
    )  # fmt: skip
    embedding = Embedding(app.graph, app.minds.embedder)
    kept = Retention(app.ledger, app.effects, app.clock, _patience(app), app.settings.retention)

    async def mirrored() -> None:
        await app.mirror.refresh()
        await forget_questions(app.graph)

    async def unserved() -> None:
        await end_unserved(app.ledger, app.accounts, app.effects, app.clock)

    async def files() -> None:
        await purge_files(app.audit, app.settings.data_dir / "logs")

    return Service(
        "graph-worker",
        app.settings.graph_worker_port,
        Bare(common(_health(app, "graph-worker"))),
        [
            ("learning", learner.run),
            ("doorbell", bell.run),
            ("imports", app.import_worker.run),
            ("embeddings", embedding.run),
            ("graph", lambda: _every(_MIRRORS_EVERY, mirrored)),
            ("retention", lambda: _every(30.0, kept.purge)),
            ("accounts", lambda: _every(30.0, unserved)),
            ("files", lambda: _every(timedelta(hours=1).total_seconds(), files)),
        ],
    )


def dashboard(app: App) -> Service:
    """What the owner looks at."""
    from secondme.web.dashboard.app import create_dashboard

    web, tasks = create_dashboard(app), [("around", lambda: watch(app))]
    return Service("dashboard", app.settings.dashboard_port, web, tasks, web.state.news.drain)


MAKE: dict[str, Callable[[App], Service]] = {
    "gateway": gateway,
    "orchestrator": orchestrator,
    "graph-worker": graph_worker,
    "dashboard": dashboard,
}


def _health(app: App, name: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def health() -> dict[str, Any]:
        return {"service": name, **await app.health()}

    return health


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` again and again; a store that does not answer is asked again next time."""
    while True:
        try:
            await work()
        except StoreUnavailable as error:
            log.warning("task.store_unavailable", error=str(error))
        await asyncio.sleep(seconds)


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until each of them has ended. Once is not always enough: where a library fails as it tidies up
    after a cancellation, its error takes the place of that, and a loop goes on as after any outage."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN)
        for task in done:
            _ = task.cancelled() or task.exception()  # said as it happened


class Runner:
    """Runs services until told to stop, then drains them in order: ears first, then minds, the mouth last."""

    def __init__(self, app: App, services: Sequence[Service]) -> None:
        self._app = app
        self._services = services
        self._servers: list[uvicorn.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.stopping = asyncio.Event()

    async def start(self) -> None:
        """Bind every port first, so that a port in use is said before anything runs. Raises ConfigError."""
        make_room()
        every = [bind(service.name, service.port) for service in self._services]
        for service, bound in zip(self._services, every, strict=True):
            for name, work in service.tasks:
                self._tasks.append(
                    asyncio.create_task(self._guarded(name, work), name=f"{service.name}.{name}")
                )
            server = uvicorn.Server(uvicorn.Config(service.web, **options(service.web)))
            self._servers.append(server)
            # Not serve(): signals are the command line's business, one place decides how everything ends.
            self._tasks.append(
                asyncio.create_task(server._serve(sockets=[bound]), name=f"{service.name}.web")
            )
        while not all(server.started for server in self._servers):
            for task in self._tasks:
                if task.done() and (error := task.exception()):
                    raise error
            await asyncio.sleep(0.01)

    async def _guarded(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A task that dies of a fault is started again: one bug must not silence the rest."""
        while not self.stopping.is_set():
            try:
                await work()
                return
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.exception("task.crashed", task=name, error=type(error).__name__)
                await asyncio.sleep(1.0)

    async def stop(self) -> list[str]:
        """Drain; returns ids of what is left unfinished, for review."""
        self.stopping.set()
        for server in self._servers:
            server.should_exit = True
        left = await self._drained("dashboard")  # whose streams keep its server open
        web = [task for task in self._tasks if task.get_name().endswith(".web")]
        await asyncio.wait(web, timeout=4) if web else None
        # What is composed last is to be sent still, so the mouth closes after the mind.
        left += await self._drained("orchestrator") + await self._drained("gateway")
        await ended(self._tasks)
        for service in self._services:
            for close in service.close:
                await close()
        if left:
            log.warning("drain.unfinished", ids=left)
        return left

    async def _drained(self, name: str) -> list[str]:
        """Let that service end its work, where it runs here; returns ids of what it left."""
        drains = [service.drain for service in self._services if service.name == name and service.drain]
        return [unfinished for drain in drains for unfinished in await drain(_DRAIN)]
