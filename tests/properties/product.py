"""The product on real stores, driven step by step by a test that owns the clock, and restarted at will."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis

from secondme.domain.contact import ContactRow
from secondme.domain.message import Inbound, Kind
from secondme.domain.pause import Pause
from secondme.pipeline.compose import Compose
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import MESSAGES, RESPONSES
from secondme.pipeline.inbox import Inbox
from secondme.pipeline.journey import journey
from secondme.pipeline.judge import Judge
from secondme.pipeline.outbox import Outbox
from secondme.pipeline.pacing import Pacing
from secondme.pipeline.recall import Recall
from secondme.pipeline.turns import Turns
from secondme.settings import Settings
from secondme.stores.ledger import pauses, people
from secondme.wiring import App, open_app
from tests.support.world import EchoMind, Phones

OPEN_LEASES = "SELECT EXISTS (SELECT 1 FROM conversations WHERE lease_token IS NOT NULL AND lease_until > $1)"
OPEN_SENDS = """SELECT EXISTS (SELECT 1 FROM deliveries
                WHERE status = 'in_flight' OR (status = 'planned' AND not_before <= $1))"""


class Product:
    """One process of SecondMe: ears that run, a mind and a mouth that work when told to."""

    def __init__(self, app: App, phones: Phones) -> None:
        self.app = app
        self.phones = phones
        self.mind = EchoMind()
        self.inbox = Inbox(app.ledger, app.accounts, app.effects, app.clock)
        stages = journey(Judge(), Recall(app.ledger, app.personas, app.voice, None), Compose(self.mind))
        bell = Doorbell(app.signals, MESSAGES, "orchestrator")
        self.turns = Turns(app.ledger, app.accounts, stages, Pacing(False), app.effects, bell, app.clock)

    @classmethod
    @asynccontextmanager
    async def run(cls, settings: Settings, phones: Phones) -> AsyncIterator["Product"]:
        """Open everything as a start does, and close it as an end does."""
        app = await open_app(settings, serves=True)
        product = cls(app, phones)
        try:
            yield product
        finally:
            await app.close()

    async def says(self, who: str, text: str, *, from_me: bool = False, provider_id: str = "") -> UUID | None:
        item = Inbound(
            account_id="main",
            address=who,
            name=None,
            provider_id=provider_id or f"p-{uuid4()}",
            kind=Kind.TEXT,
            text=text,
            sent_at=self.app.clock.now(),
            from_me=from_me,
        )
        return (await self.inbox.accept([item]))[0].message_id

    async def compose(self) -> int:
        """Compose what is due now, to the end; returns how many conversations were claimed."""
        claimed = await self.turns.claim_once()
        await self._outwait(OPEN_LEASES)
        return claimed

    async def speak(self) -> None:
        """Send what may leave now, to the end."""
        bell = Doorbell(self.app.signals, RESPONSES, "gateway")
        channels = dict.fromkeys(self.app.accounts, self.phones)
        outbox = Outbox(self.app.ledger, channels, self.app.switch, self.app.effects, bell, self.app.clock)
        mouth = asyncio.create_task(outbox.run())
        await self._outwait(OPEN_SENDS)
        assert await outbox.drain(5) == []
        mouth.cancel()
        with suppress(asyncio.CancelledError):
            await mouth

    async def _outwait(self, question: str) -> None:
        ends = time.monotonic() + 10
        while await self.value(question, self.app.clock.now()):
            assert time.monotonic() < ends, question
            await asyncio.sleep(0.002)

    async def value(self, question: str, *values: Any) -> Any:
        async with self.app.ledger.transaction() as tx:
            return await tx.fetchval(question, *values)

    async def ends(self, messages: list[UUID]) -> dict[UUID, tuple[str, str]]:
        """(outcome, rule) of those that have ended."""
        async with self.app.ledger.transaction() as tx:
            rows = await tx.fetch(
                "SELECT id, outcome, rule FROM messages WHERE id = ANY($1) AND outcome IS NOT NULL", messages
            )
        return {row["id"]: (row["outcome"], row["rule"]) for row in rows}

    async def planned(self) -> set[UUID]:
        """Messages whose answer is on its way."""
        async with self.app.ledger.transaction() as tx:
            rows = await tx.fetch("SELECT id FROM messages WHERE turn_id IS NOT NULL AND outcome IS NULL")
        return {row["id"] for row in rows}

    async def held_up(self) -> set[str]:
        """Addresses of those whose answer is planned for a moment that lies ahead."""
        async with self.app.ledger.transaction() as tx:
            rows = await tx.fetch("SELECT DISTINCT user_id FROM deliveries WHERE status = 'planned'")
        waiting = {row["user_id"] for row in rows}
        return {row.address for row in await self.everyone() if row.id in waiting}

    async def everyone(self) -> list[ContactRow]:
        async with self.app.ledger.transaction() as tx:
            return await people.everyone(tx, self.app.ledger.vault)

    async def running_pauses(self) -> list[Pause]:
        async with self.app.ledger.transaction() as tx:
            return await pauses.active(tx, self.app.clock.now())

    async def forget_everything(self) -> None:
        """An empty ledger and an empty Redis for the next story."""
        async with self.app.ledger.transaction() as tx:
            await tx.execute("DELETE FROM contacts")
            await tx.execute("DELETE FROM pauses")
        await flush(self.app.settings)
        self.phones.got.clear()


async def flush(settings: Settings) -> None:
    """FLUSHALL, as an operator may do at any moment."""
    redis = Redis.from_url(settings.redis_url or "")
    await redis.flushall()
    await redis.aclose()


def settings_for(database_url: str, redis_url: str, falkordb_url: str, folder: Path) -> Settings:
    """A clone that answers whoever writes, after a tenth of a second."""
    return Settings.model_validate(
        {
            "database_url": database_url,
            "redis_url": redis_url,
            "falkordb_url": falkordb_url,
            "SECONDME_DATA_DIR": folder,
            "SECONDME_SECRET_KEY": "11" * 32,
            "SECONDME_NEW_CONTACTS": "enabled",
            "SECONDME_DEBOUNCE": "100ms",
            "SECONDME_PACING": "none",
        }
    )


async def read_pauses(options: Settings) -> dict[str, int]:
    """Every PAUSE key with its value."""
    redis = Redis.from_url(options.redis_url or "", decode_responses=True)
    keys = [key async for key in redis.scan_iter("PAUSE:*")]
    values = {key: int(await redis.get(key) or 0) for key in keys}
    await redis.aclose()
    return values
