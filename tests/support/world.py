"""One instance of the product inside a test: real stores, the real pipeline, a phone network that records."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from secondme.domain.delivery import DeliveryKind, Outgoing, Sent
from secondme.domain.message import Inbound, Kind
from secondme.domain.profile import Account, Profile
from secondme.domain.turn import Draft, Part, Turn
from secondme.embedded import Addresses
from secondme.memory.importing import Importer
from secondme.memory.voice.own import OwnVoice
from secondme.observe.audit import AuditLog
from secondme.owner.control import Control
from secondme.pipeline.compose import Compose
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import MESSAGES, RESPONSES, Effects
from secondme.pipeline.inbox import Inbox
from secondme.pipeline.journey import journey
from secondme.pipeline.judge import Judge, QuietHours
from secondme.pipeline.limits import Limits
from secondme.pipeline.outbox import Outbox
from secondme.pipeline.pacing import Pacing
from secondme.pipeline.personas import Personas
from secondme.pipeline.recall import Recall
from secondme.pipeline.switch import Switch
from secondme.pipeline.threads import Threads
from secondme.pipeline.turns import Turns
from secondme.ports import Channel, Memory, Mind, Voices
from secondme.profiles import PROFILES
from secondme.profiles.personas import DEFAULT_PERSONAS
from secondme.stores.ledger import Ledger, people, voices
from secondme.stores.signals import RedisSignals
from secondme.stores.vault import KeyRing, new_key
from tests.support.stores import copy_of, flush
from tests.support.stores import drop_database as drop_database
from tests.support.stores import with_database as with_database


class MovableClock:
    """The wall clock, plus what a test adds to it."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def jump(self, by: timedelta) -> None:
        self.offset += by


class Phones:
    """A channel that records what reached it. `before` runs as the bytes leave, so that a test may interfere."""

    answer_timeout = 5.0
    gate = None

    def __init__(self) -> None:
        self.got: list[tuple[float, Outgoing]] = []
        self.before: Callable[[Outgoing], Any] | None = None
        self.fails: Exception | None = None

    async def reach(self, count: int) -> None: ...

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        if self.before is not None:
            await self.before(outgoing)
        if self.fails is not None:
            raise self.fails
        self.got.append((time.monotonic(), outgoing))
        return Sent(f"phone-{outgoing.delivery_id}", "delivered")

    async def ping(self) -> None: ...

    async def close(self) -> None: ...

    def texts(self, address: str | None = None) -> list[str]:
        """What arrived, in order, at one address or at all."""
        return [
            o.text
            for _, o in self.got
            if o.kind is DeliveryKind.TEXT and (address is None or o.address == address)
        ]


class EchoMind:
    """A mind that answers each message of the burst with `re: …`; a test may slow it down or break it."""

    name = "echo"

    def __init__(self) -> None:
        self.seconds = 0.0
        self.fails: Exception | None = None
        self.asked: list[Turn] = []

    async def complete(self, turn: Turn) -> Draft:
        self.asked.append(turn)
        await asyncio.sleep(self.seconds)
        if self.fails is not None:
            raise self.fails
        return Draft(tuple(Part(f"re: {m.text}", m.id) for m in turn.messages), self.name)

    async def close(self) -> None: ...


@dataclass
class World:
    """The opened parts, and verbs that read like a story."""

    ledger: Ledger
    signals: RedisSignals
    clock: MovableClock
    phones: Phones
    mind: EchoMind
    accounts: dict[str, Account]
    inbox: Inbox
    turns: Turns
    outbox: Outbox
    switch: Switch
    control: Control
    threads: Threads
    importer: Importer
    voice: OwnVoice
    folder: Path
    dsn: str
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        addresses: Addresses,
        template: str,
        folder: Path,
        *,
        profiles: Mapping[str, Profile] | None = None,
        mind: Mind | None = None,
        voice: Voices | None = None,
        memory: Memory | None = None,
        quiet: QuietHours | None = None,
        human: bool = False,
        run: bool = True,
        network: str = "simulator",
        channel: Channel | None = None,
        clock: MovableClock | None = None,
        limits: Limits | None = None,
    ) -> AsyncIterator["World"]:
        """Accounts are `main` (a clone whose new contacts are enabled and whose debounce is short) and `journal`.

        They are on `network`, and `channel` sends for them: without one, phones that record.
        """
        dsn = await copy_of(addresses.database_url or "", template)
        ledger = await Ledger.open(dsn, KeyRing([new_key()]))
        signals = RedisSignals(addresses.redis_url or "")
        await flush(addresses.redis_url or "")
        clock, phones, echo = clock or MovableClock(), Phones(), EchoMind()
        chosen = profiles or {"main": _quick(PROFILES["clone"]), "journal": PROFILES["journal"]}
        accounts = {name: Account(name, network, profile) for name, profile in chosen.items()}
        async with ledger.transaction() as tx:
            await people.put_accounts(tx, accounts.values())
            for persona in DEFAULT_PERSONAS:
                await voices.put_persona(tx, ledger.vault, persona, clock.now())
        effects = Effects(signals, AuditLog(folder / "logs"), ledger.vault)
        switch = Switch(ledger, signals, effects, clock, folder / "held-press.json")
        stages = journey(
            Judge(quiet),
            Recall(ledger, Personas(ledger, signals), voice or NoVoice(), memory),
            Compose(mind or echo),
        )
        heard, spoken = Doorbell(signals, MESSAGES, "orchestrator"), Doorbell(signals, RESPONSES, "gateway")
        effects.hears(MESSAGES, heard.near)
        effects.hears(RESPONSES, spoken.near)
        world = cls(
            ledger=ledger,
            signals=signals,
            clock=clock,
            phones=phones,
            mind=echo,
            accounts=accounts,
            inbox=Inbox(ledger, accounts, effects, clock),
            turns=Turns(ledger, accounts, stages, Pacing(human), effects, heard, clock),
            outbox=Outbox(
                ledger,
                dict.fromkeys(accounts, channel or phones),
                switch,
                effects,
                spoken,
                clock,
                frozenset(accounts if network == "whatsapp_cloud" else ()),
                limits,
                patience={name: profile.answer_within for name, profile in chosen.items()},
            ),
            switch=switch,
            control=Control(ledger, signals, effects, switch, clock, folder / "imports"),
            importer=Importer(
                ledger, signals, effects, clock, DEFAULT_PERSONAS, ZoneInfo("UTC"), folder / "imports"
            ),
            voice=OwnVoice(voices.LedgerVoices(ledger), ledger.vault.cue_key(), looks_every=0),
            threads=Threads(ledger, dict.fromkeys(accounts, people.network_of(network))),
            folder=folder,
            dsn=dsn,
        )
        if run:
            loops = (
                world.turns.run,
                world.turns.keep_leases,
                world.outbox.run,
                heard.run,
                spoken.run,
            )
            world.tasks = [asyncio.create_task(loop(), name=loop.__qualname__) for loop in loops]
        try:
            yield world
        finally:
            await world.turns.drain(2)
            await world.outbox.drain(2)
            for task in world.tasks:
                task.cancel()
            await asyncio.gather(*world.tasks, return_exceptions=True)
            await effects.told()
            await signals.close()
            await ledger.close()
            await drop_database(addresses.database_url or "", urlsplit(dsn).path[1:])

    async def says(
        self, text: str, who: str = "+15550100", account: str = "main", **more: Any
    ) -> UUID | None:
        """Somebody (or, with from_me, the owner) writes; returns our id of the message."""
        item = Inbound(
            account_id=account,
            address=who,
            name=more.pop("name", "Ana"),
            provider_id=more.pop("id", f"p-{uuid4()}"),
            kind=more.pop("kind", Kind.TEXT),
            text=text,
            sent_at=more.pop("sent_at", self.clock.now()),
            **more,
        )
        return (await self.inbox.accept([item]))[0].message_id

    async def settled(self, seconds: float = 8.0) -> None:
        """Wait until every inbound message has its receipt."""
        await self.until(
            "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE direction = 'incoming' AND outcome IS NULL)",
            seconds,
        )

    async def until(self, question: str, seconds: float = 8.0) -> None:
        """Wait until an SQL question is true; fails with what the ledger then holds."""
        deadline = time.monotonic() + seconds
        while not await self.value(question):
            assert time.monotonic() < deadline, f"still false: {question}; {await self.receipts()}"
            await asyncio.sleep(0.02)

    async def value(self, question: str, *values: Any) -> Any:
        async with self.ledger.transaction() as tx:
            return await tx.fetchval(question, *values)

    async def remembered(self) -> None:
        """As if the graph worker had looked at everything that was said."""
        async with self.ledger.transaction() as tx:
            await tx.execute("UPDATE messages SET learned_at = now() WHERE learned_at IS NULL")

    async def receipts(self) -> list[tuple[str | None, str | None]]:
        """(outcome, rule) of every inbound message, in order of arrival."""
        async with self.ledger.transaction() as tx:
            rows = await tx.fetch(
                "SELECT outcome, rule FROM messages WHERE direction = 'incoming' ORDER BY seq"
            )
        return [(row["outcome"], row["rule"]) for row in rows]

    async def contact(self, who: str = "+15550100") -> UUID:
        return (await self.control.find(who))[0].id


class NoVoice:
    async def nearest(self, contact: UUID, texts: Any, limit: int) -> tuple[()]:
        return ()


def _quick(profile: Profile) -> Profile:
    return replace(
        profile,
        debounce=timedelta(milliseconds=150),
        debounce_cap=timedelta(seconds=1),
        new_contacts_enabled=True,
    )
