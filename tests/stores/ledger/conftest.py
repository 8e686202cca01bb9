"""The ledger step by step: ears that run, and a mind and a mouth that a test moves by hand."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest_asyncio

from secondme.domain.delivery import Sent
from secondme.domain.turn import Draft, Part, Turn, Verdict
from secondme.embedded import Addresses
from secondme.pipeline.pacing import Pacing
from secondme.stores.ledger import commits, deliveries, settling, taken, turns
from secondme.stores.ledger.commits import Ending, Superseded
from secondme.stores.ledger.deliveries import InFlight, Ready, Terms
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.turns import Claim
from tests.support.world import World

LEASE = timedelta(seconds=45)


@dataclass
class Steps:
    """What the orchestrator's and the gateway's loops do, one statement at a time."""

    world: World

    async def claim(self, limit: int = 100, lease: timedelta = LEASE) -> list[Claim]:
        """What is due a second from now; the clock is moved there."""
        self.world.clock.jump(timedelta(seconds=1))
        async with self.world.ledger.transaction() as tx:
            return (await turns.claim(tx, self.world.clock.now(), limit, lease, self.world.accounts))[0]

    async def load(self, claims: Sequence[Claim]) -> list[Turn]:
        vault, now = self.world.ledger.vault, self.world.clock.now()
        return turns.opened(vault, claims, self.world.accounts, now)[0]

    async def turn(self) -> Turn:
        """The one Turn that is due."""
        (found,) = await self.load(await self.claim())
        return found

    async def commit(self, turn: Turn, *texts: str) -> Turn:
        """End it with these parts, all speaking to its last message; without any it ends silent."""
        if texts:
            parts = tuple(Part(text, turn.messages[-1].id, quote=turn.overtaken) for text in texts)
            turn = replace(turn, verdict=Verdict("by.hand", answer=True), draft=Draft(parts, "hand"))
        else:
            silenced = tuple((m.id, "by.hand") for m in turn.messages)
            turn = replace(turn, verdict=Verdict("by.hand", answer=False), silenced=silenced)
        ledger, now = self.world.ledger, self.world.clock.now()
        planned = Pacing(False).plan(turn, turn.draft.parts, now) if turn.draft else []
        async with ledger.transaction() as tx:
            if not await commits.commit_all(tx, ledger.vault, [Ending(turn, planned, {}, now)]):
                raise Superseded
        return turn

    async def answer(self, *texts: str) -> Turn:
        return await self.commit(await self.turn(), *texts)

    async def ready(self) -> list[Ready]:
        now = self.world.clock.now()
        async with self.world.ledger.transaction() as tx:
            return [r for _, r in await deliveries.ready(tx, list(self.world.accounts), [], [], now, 100)]

    async def fence(self, delivery: Ready, now: datetime | None = None) -> InFlight | None:
        ledger, now = self.world.ledger, now or self.world.clock.now()
        async with ledger.transaction() as tx:
            terms = {delivery.account_id: Terms(now + timedelta(seconds=9))}
            flights = await deliveries.pass_fences(tx, ledger.vault, [delivery], terms, now)
        flight = flights.get(delivery.id)
        assert not isinstance(flight, Exception)
        return flight

    async def fly(self) -> InFlight:
        """Let the one delivery that is ready pass the fence."""
        (found,) = await self.ready()
        flight = await self.fence(found)
        assert flight is not None
        return flight

    async def sent(self, flight: InFlight, provider_id: str | None = None) -> list[Receipt]:
        ledger, now = self.world.ledger, self.world.clock.now()
        async with ledger.transaction() as tx:
            return (await taken.sent(tx, ledger.vault, flight, Sent(provider_id), now))[0]

    async def uncertain(self, flight: InFlight) -> list[Receipt]:
        async with self.world.ledger.transaction() as tx:
            return (await settling.uncertain(tx, flight.ready, "no answer", self.world.clock.now()))[0]

    async def statuses(self) -> list[str]:
        """Of all texts, in the order in which they were planned."""
        rows = await self.rows("SELECT status FROM deliveries WHERE kind = 'text' ORDER BY seq")
        return [row["status"] for row in rows]

    async def rows(self, question: str, *values: Any) -> list[Any]:
        async with self.world.ledger.transaction() as tx:
            return list(await tx.fetch(question, *values))

    async def run(self, statement: str, *values: Any) -> None:
        async with self.world.ledger.transaction() as tx:
            await tx.execute(statement, *values)

    async def due_at(self) -> datetime | None:
        """Of the only conversation."""
        (row,) = await self.rows("SELECT due_at FROM conversations")
        moment: datetime | None = row["due_at"]
        return moment.astimezone(UTC) if moment else None

    async def said(self, text: str, **more: Any) -> UUID:
        """A message that has a row of its own."""
        message = await self.world.says(text, **more)
        assert message is not None
        return message


@pytest_asyncio.fixture
async def steps(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[Steps]:
    async with World.open(addresses, template, tmp_path, run=False) as world:
        yield Steps(world)
