"""The product as `secondme up` builds it: two orchestrators, a mouth, memory's hands, and a model that keeps every
request that it is sent. What its owner and its contacts do are verbs here."""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web

from secondme import services
from secondme.cli.knowing import memory_of
from secondme.domain.message import Inbound, Kind
from secondme.memory.embedding import Embedding
from secondme.memory.importing import Report
from secondme.memory.live import Learner
from secondme.owner.remembering import Remembering
from secondme.pipeline.inbox import Inbox
from secondme.pipeline.personas import Personas
from secondme.settings import Settings
from secondme.stores.graph.schema import migrate
from secondme.stores.ledger import people, voices
from secondme.stores.vault import new_key
from secondme.wiring import App, open_app
from tests.support.stores import flush

_MARK = re.compile(r"q\d+")
_RUNS = {
    "orchestrator": ("turns", "personas", "leases", "doorbell"),
    "gateway": ("outbox", "doorbell"),
}
_PATIENCE = 60.0  # seconds
_STALE = 5.0  # seconds: processes look every two


class Model:
    """Answers OpenAI's chat completions on loopback, and keeps what it was asked, by the marks in what waits."""

    def __init__(self) -> None:
        self.asked: deque[tuple[frozenset[str], dict[str, Any]]] = deque()
        self.news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator[tuple["Model", str]]:
        model, app = cls(), web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/chat/completions", model.complete)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield model, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        waiting = body["messages"][-1]["content"].rpartition("Waiting for an answer:\n")[2]
        self.asked.append((frozenset(_MARK.findall(waiting)), body))
        self.news.set()
        message = {"role": "assistant", "content": "I see."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return web.json_response({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]})


@dataclass
class Instance:
    """Everything that is open, and the acts of those who use it."""

    app: App
    model: Model
    memory: Remembering
    inbox: Inbox
    learner: Learner
    embed: Callable[[], Coroutine[Any, Any, int]]
    tiers: Sequence[Personas]  # the personas of each orchestrator
    folder: Path
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database_url: str, redis_url: str, falkordb_url: str, folder: Path
    ) -> AsyncIterator["Instance"]:
        """On stores that nobody else uses meanwhile; the graph and Redis are emptied first."""
        await flush(redis_url)
        async with AsyncExitStack() as stack:
            model, url = await stack.enter_async_context(Model.serve())
            settings = _settings(database_url, redis_url, falkordb_url, folder, url)
            app = await open_app(settings, serves=True)
            stack.push_async_callback(app.close)
            await app.graph.command("GRAPH.DELETE", app.graph.name)
            await migrate(app.graph, app.minds.embedder.dimension)
            await _unhurried(app)
            opened = await _started(app, model, folder, stack)
            yield opened

    def at(self) -> datetime:
        """Now, as a provider tells it: to the second."""
        return datetime.now(UTC).replace(microsecond=0)

    async def meet(self, number: str, name: str, text: str) -> UUID:
        """Somebody writes for the first time. Returns who they are."""
        ((message, _, _),) = await self.say([(number, text, False)], name=name)
        contact: UUID = await self.value("SELECT user_id FROM messages WHERE id = $1", UUID(message))
        return contact

    async def say(
        self, said: Sequence[tuple[str, str, bool]], *, name: str | None = None
    ) -> list[tuple[str, datetime, str]]:
        """(number, text, by the owner) each; waits until all is answered. Returns ids, moments and provider ids."""
        items = [
            Inbound("main", number, name, f"p-{uuid4()}", Kind.TEXT, text, self.at(), from_me=by_owner)
            for number, text, by_owner in said
        ]
        accepted = await self.inbox.accept(items)
        await self.settled()
        return [
            (str(one.message_id), item.sent_at, item.provider_id)
            for one, item in zip(accepted, items, strict=True)
        ]

    async def amend(self, number: str, provider_id: str, by_owner: bool, text: str = "") -> None:
        """Somebody edits a message, or, without a text, deletes it for everyone."""
        item = Inbound(
            "main",
            number,
            None,
            f"p-{uuid4()}",
            Kind.EDIT if text else Kind.DELETION,
            text,
            self.at(),
            from_me=by_owner,
            target=provider_id,
        )
        await self.inbox.accept([item])
        await self.settled()

    async def settled(self) -> None:
        """Wait until everything that came in has its receipt."""
        question = "SELECT count(*) FROM messages WHERE direction = 'incoming' AND outcome IS NULL"
        ends = time.monotonic() + _PATIENCE
        while left := await self.value(question):
            assert time.monotonic() < ends, f"{left} messages have no receipt"
            await asyncio.sleep(0.01)

    async def learn(self) -> None:
        """What waits becomes memory, with its vectors."""
        await self.app.mirror.refresh()
        while await self.learner.learn_once():
            pass
        while await self.embed():
            pass

    async def hand_in(self, path: Path, me: str, keep: bool, **more: Any) -> Report:
        """An export is imported; memory has yet to learn from it."""
        report = await self.app.importer.run(path, me, keep, "dmy", **more)
        await self.same_personas()
        return report

    async def work(self) -> None:
        """Memory learns from every chat that waits."""
        while await self.app.import_worker.work_once():
            pass
        while await self.embed():
            pass

    async def forget(self, contact: UUID) -> None:
        receipt = await self.memory.forget(contact)
        assert receipt["memory"] is not None, receipt
        await self.same_personas()

    async def same_personas(self) -> None:
        """Give every process time to speak as the ledger says. Whether it does, its prompts tell."""
        async with self.app.ledger.light() as light:
            wanted = await voices.personas(light, self.app.ledger.vault)
        ends = time.monotonic() + _STALE
        while [await tier.all() for tier in self.tiers] != [wanted] * len(self.tiers):
            if time.monotonic() > ends:
                return
            await asyncio.sleep(0.02)

    async def awake(self) -> None:
        """Wait until no breaker keeps a process from asking, and the kept replies are looked at anew."""
        await asyncio.sleep(1)
        ends = time.monotonic() + _PATIENCE
        while any(gate.state() == "open" for gate in [*self.app.gates, *self.app.minds.gates]):
            assert time.monotonic() < ends
            await asyncio.sleep(0.2)

    async def ids(self, question: str) -> list[str]:
        """The first column of what the graph answers."""
        return [str(row[0]) for row in await self.app.graph.run(question)]

    async def value(self, question: str, *values: Any) -> Any:
        async with self.app.ledger.light() as light:
            return await light.fetchval(question, *values)

    def taken(self) -> list[tuple[frozenset[str], dict[str, Any]]]:
        """The requests since the last time: the marks of what waited, and the body."""
        found = list(self.model.asked)
        self.model.asked.clear()
        return found


def chat(path: Path, lines: Iterable[tuple[datetime, str, str]]) -> Path:
    """A chat as Android exports it: (when, author, text) each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{at:%d/%m/%Y, %H:%M} - {author}: {text}\n" for at, author, text in lines))
    return path


def _settings(database_url: str, redis_url: str, falkordb_url: str, folder: Path, url: str) -> Settings:
    chosen: Mapping[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "falkordb_url": falkordb_url,
        "compatible_base_url": url,
        "SECONDME_DATA_DIR": folder / "data",
        "SECONDME_SECRET_KEY": new_key().hex(),
        "SECONDME_NEW_CONTACTS": "enabled",
        "SECONDME_PACING": "none",
        "SECONDME_MODELS": "compatible:m",
        "SECONDME_EXTRACTION": "rules",
    }
    return Settings.model_validate(chosen)


async def _unhurried(app: App) -> None:
    """Nobody is throttled, and the owner's own word does not silence: how often somebody is answered is not asked."""
    for name, account in app.accounts.items():
        quick = replace(
            account.profile, debounce=timedelta(milliseconds=10), rate_limit=0, owner_word_pause=None
        )
        app.accounts[name] = replace(account, profile=quick)
    async with app.ledger.transaction() as tx:
        await people.put_accounts(tx, app.accounts.values())


async def _started(app: App, model: Model, folder: Path, stack: AsyncExitStack) -> Instance:
    both = [app, replace(app, personas=Personas(app.ledger, app.signals))]
    started = [services.orchestrator(one) for one in both] + [services.gateway(app)]
    tasks = [
        asyncio.create_task(run())
        for service in started
        for name, run in service.tasks
        if name in _RUNS[service.name]
    ]
    hands = dict(services.graph_worker(app).tasks)
    stack.push_async_callback(_stopped, started, tasks)
    return Instance(
        app=app,
        model=model,
        memory=memory_of(app),
        inbox=Inbox(app.ledger, app.accounts, app.effects, app.clock),
        learner=_whose(hands["learning"], Learner),
        embed=_whose(hands["embeddings"], Embedding).embed_once,
        tiers=[one.personas for one in both],
        folder=folder,
        tasks=tasks,
    )


def _whose[T](run: object, kind: type[T]) -> T:
    """The object whose method a service runs."""
    owner = getattr(run, "__self__", None)
    assert isinstance(owner, kind)
    return owner


async def _stopped(started: Sequence[services.Service], tasks: Sequence[asyncio.Task[None]]) -> None:
    for service in started:
        if service.drain is not None:
            await service.drain(5.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for service in started:
        for close in service.close:
            await close()
