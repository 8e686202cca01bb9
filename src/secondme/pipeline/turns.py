"""Who is due, and who holds it: claims conversations, runs the journey, commits its outcome."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from secondme.domain.delivery import DeliveryKind
from secondme.domain.errors import StoreUnavailable
from secondme.domain.event import PauseEvent
from secondme.domain.profile import Account
from secondme.domain.turn import FIXED_LINE, Turn, Verdict
from secondme.failpoints import failpoint
from secondme.observe import metrics
from secondme.observe.logs import get_logger, tracing
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import Effects
from secondme.pipeline.pacing import Pacing
from secondme.ports import Clock, Stage
from secondme.stores.ledger import Ledger, commits, pauses
from secondme.stores.ledger import turns as statements
from secondme.stores.ledger.commits import Superseded

log = get_logger(__name__)
_BATCH = 100
_AT_ONCE = 200
_SWEPT_AT_ONCE = 20
LEASE = timedelta(seconds=45)
RENEW_EVERY = 1.0  # seconds; also how soon the owner's word cancels an answer in the making


class Turns:
    """The orchestrator's loop. Bells only make it look sooner: what a lost bell missed it finds within a second."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        journey: Stage,
        pacing: Pacing,
        effects: Effects,
        bell: Doorbell,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._journey = journey
        self._pacing = pacing
        self._effects = effects
        self._bell = bell
        self._clock = clock
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._running: dict[Turn, asyncio.Task[None]] = {}
        self.draining = False

    async def run(self) -> None:
        """Claim and compose for ever; a ledger that does not answer is asked again."""
        while not self.draining:
            try:
                claimed = await self.claim_once()
                if claimed < _BATCH:
                    await self._bell.wait_until(await self._next_due(), self._clock.now())
            except StoreUnavailable as error:
                log.warning("turns.store_unavailable", error=str(error))
                await asyncio.sleep(0.5)

    async def drain(self, timeout: float) -> list[str]:  # noqa: ASYNC109
        """Stop claiming and let Turns in the making end; returns the conversations left unfinished."""
        self.draining = True
        self._bell.ring()
        tasks = {task for task in self._running.values() if not task.done()}
        if not tasks:
            return []
        _, left = await asyncio.wait(tasks, timeout=timeout)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return [task.get_name() for task in left]

    async def claim_once(self) -> int:
        """Claim what is due now and start a task for each; returns how many were claimed."""
        now, bells = self._clock.now(), self._bell.take()
        with metrics.timed("claim"):
            async with self._ledger.light() as light:
                claims = await statements.claim(light, now, _BATCH, LEASE, self._accounts)
                turns = await statements.load(light, self._ledger.vault, claims, self._accounts, now)
        await self._bell.acknowledge(bells)
        if claims:
            failpoint("turns.claimed")
        loaded = {turn.conversation_id for turn in turns}
        if idle := [c for c in claims if c.conversation_id not in loaded]:
            async with self._ledger.transaction() as tx:
                await statements.release(tx, idle)
        crashing = {c.conversation_id for c in claims if c.claims > statements.MAX_CLAIMS}
        for turn in turns:
            self._effects.counted(turn)
            await self._room.acquire()
            work = self._commit(_crashing(turn)) if turn.conversation_id in crashing else self._hold(turn)
            self._running[turn] = asyncio.create_task(work, name=str(turn.conversation_id))
            self._running[turn].add_done_callback(partial(self._ended, turn))
        return len(claims)

    def _ended(self, turn: Turn, task: asyncio.Task[None]) -> None:
        self._running.pop(turn, None)
        self._room.release()
        if task.cancelled():
            log.info("turn.superseded")
        elif error := task.exception():
            log.error("turn.crashed", error=type(error).__name__)

    async def _next_due(self) -> datetime | None:
        async with self._ledger.light() as light:
            return await statements.next_due(light, self._accounts)

    async def _hold(self, turn: Turn) -> None:
        """Compose under a lease; somebody newer taking it cancels the work."""
        with tracing(turn.messages[0].id):
            try:
                await self._compose(turn)
            except Superseded:
                log.info("turn.superseded")
            except StoreUnavailable as error:
                log.warning("turn.store_unavailable", error=str(error))

    async def keep_leases(self) -> None:
        """Renew what is being composed, for ever; cancel what has lost its lease. Run beside `run()`."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            held = {turn.conversation_id: (turn.token, task) for turn, task in self._running.items()}
            if not held:
                continue
            try:
                async with self._ledger.light() as light:
                    tokens = {conversation: token for conversation, (token, _) in held.items()}
                    kept = await statements.renew(light, tokens, self._clock.now() + LEASE)
            except StoreUnavailable:
                continue
            for conversation, (_, task) in held.items():
                if conversation not in kept and not task.done():
                    task.cancel()

    async def _compose(self, turn: Turn) -> None:
        composed = await self._journey(turn)
        failpoint("compose.done")
        await self._commit(composed)

    async def _commit(self, turn: Turn) -> None:
        """End the Turn in one commit, then tell."""
        now = self._clock.now()
        planned = self._pacing.plan(turn, turn.draft.parts, now) if turn.draft else []
        try:
            with metrics.timed("commit"):
                async with self._ledger.transaction() as tx:
                    await commits.commit(tx, self._ledger.vault, turn, planned, why(turn), now)
        except asyncpg.UniqueViolationError:
            # The ledger refused a second answer: something above has lost its count.
            metrics.invariant_breaches.labels("2").inc()
            log.error("turn.second_answer_refused")
            return
        await self._tell(turn, [p.id for p, _ in planned if p.kind is DeliveryKind.TEXT], now)

    async def _tell(self, turn: Turn, planned: Sequence[UUID], now: datetime) -> None:
        verdict = turn.verdict
        log.info(
            "turn.committed",
            rule=verdict.rule if verdict else None,
            answers=[str(m.id) for m in turn.messages] if planned else [],
            silenced=len(turn.silenced),
        )
        if planned:
            self._effects.planned(turn, planned, now)
        self._effects.judged(turn, now)
        if verdict and verdict.pause:
            reason, length = verdict.pause
            self._effects.paused([PauseEvent("pause.started", turn.contact.id, now + length, reason)], now)


async def end_unserved(
    ledger: Ledger, accounts: Mapping[str, Account], effects: Effects, clock: Clock
) -> None:
    """End what waits on accounts that are configured no more: nobody would ever claim or send it."""
    while True:
        now = clock.now()
        async with ledger.transaction() as tx:
            gone = await statements.unserved(tx, accounts, _SWEPT_AT_ONCE)
            ended = await pauses.end_waiting(tx, gone, "account.gone", now)
        if not gone:
            return
        log.warning("account.gone", conversations=len(gone))
        effects.settled(ended, now)


def _crashing(turn: Turn) -> Turn:
    """Whoever composes this one dies of it, again and again: its messages end failed."""
    return replace(turn, verdict=Verdict("turn.crashes", answer=False, failed=True))


def why(turn: Turn) -> dict[str, Any]:
    """What the owner may see behind a reply: the persona, their own words that it leaned on, and the verdict."""
    spoke = turn.draft is not None and turn.draft.mind != FIXED_LINE
    return {
        "verdict": turn.verdict.rule if turn.verdict else None,
        "persona": turn.persona.name if turn.persona and spoke else None,
        "leanedOn": [
            {"text": e.text, "closeness": round(e.closeness, 2), "at": e.at.isoformat() if e.at else None}
            for e in turn.examples
            if spoke
        ],
        "windowLines": len(turn.window),
        "answers": [str(m.id) for m in turn.messages],
        "overtaken": turn.overtaken,
    }
