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
from secondme.pipeline.together import Together
from secondme.ports import Clock, Stage
from secondme.stores.ledger import Ledger, commits, due, pauses
from secondme.stores.ledger import turns as statements
from secondme.stores.ledger.commits import Ending, Superseded

log = get_logger(__name__)
_BATCH = 100
_AT_ONCE = 2_000  # Turns; one that waits for its mind costs memory alone
_SWEPT_AT_ONCE = 20
LEASE = timedelta(seconds=15)
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
        self._end = Together[Ending, None](self._end_all)
        self._claiming = asyncio.Lock()
        self._next_due: datetime | None = None  # as the last claim saw it
        self._running: dict[UUID, asyncio.Task[None]] = {}  # by token
        self._held: dict[UUID, UUID] = {}  # conversation by token, of Turns that have not begun to commit
        self.draining = False

    async def run(self) -> None:
        """Claim and compose for ever; a ledger that does not answer is asked again."""
        while not self.draining:
            try:
                room = self._room()
                if room == 0:
                    await self._bell.wait_until(None, self._clock.now())  # the first that ends rings
                elif await self.claim_once() < room:
                    await self._bell.wait_until(self._next_due, self._clock.now())
            except StoreUnavailable as error:
                log.warning("turns.store_unavailable", error=str(error))
                await asyncio.sleep(0.5)

    def _room(self) -> int:
        """How many may be claimed: what waits for a place here would lose its lease."""
        return min(_BATCH, _AT_ONCE - len(self._running))

    async def drain(self, timeout: float) -> list[str]:  # noqa: ASYNC109
        """Stop claiming and let Turns in the making end; returns the conversations left unfinished.

        Those are given back, so that whoever starts next finds them due.
        """
        self.draining = True
        self._bell.ring()
        async with self._claiming:
            tasks = dict(self._running)
        if not tasks:
            return []
        _, left = await asyncio.wait(tasks.values(), timeout=timeout)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            async with self._ledger.transaction() as tx:
                unfinished = {UUID(task.get_name()): token for token, task in tasks.items() if task in left}
                await statements.release(tx, unfinished)
        except StoreUnavailable:
            log.warning("turns.not_given_back", count=len(left))
        return [task.get_name() for task in left]

    async def claim_once(self) -> int:
        """Claim what is due now and start a task for each; returns how many were claimed."""
        async with self._claiming:
            return 0 if self.draining else await self._claim()

    async def _claim(self) -> int:
        now, bells = self._clock.now(), self._bell.take()
        with metrics.timed("claim"):
            async with self._ledger.light() as light:
                claims, self._next_due = await statements.claim(
                    light, now, self._room(), LEASE, self._accounts
                )
            turns, unreadable = statements.opened(self._ledger.vault, claims, self._accounts, now)
        self._bell.acknowledge(bells)
        if claims:
            failpoint("turns.claimed")
        crashing = {c.token for c in claims if c.claims > statements.MAX_CLAIMS}
        for turn in turns:
            self._start(turn, crashing=turn.token in crashing)
        if idle := {c.conversation_id: c.token for c in claims if c.token not in self._running}:
            await self._give_back(idle, unreadable, now)
        return len(claims)

    def _start(self, turn: Turn, *, crashing: bool) -> None:
        self._effects.counted(turn)
        self._held[turn.token] = turn.conversation_id
        task = asyncio.create_task(self._hold(turn, crashing), name=str(turn.conversation_id))
        self._running[turn.token] = task
        task.add_done_callback(partial(self._ended, turn.token))

    async def _give_back(self, idle: Mapping[UUID, UUID], unreadable: Sequence[UUID], now: datetime) -> None:
        """Release what has nothing to answer, or nothing that anybody could read."""
        async with self._ledger.transaction() as tx:
            await due.lock(tx, list(idle))
            failed = await statements.fail(tx, unreadable, "message.unreadable_seal", now)
            await statements.release(tx, idle)
        self._effects.settled(failed, now)

    def _ended(self, token: UUID, task: asyncio.Task[None]) -> None:
        if self._room() == 0:
            self._bell.ring()
        self._running.pop(token, None)
        self._held.pop(token, None)
        if task.cancelled():
            log.info("turn.superseded")
        elif error := task.exception():
            log.error("turn.crashed", error=type(error).__name__)

    async def _hold(self, turn: Turn, crashing: bool) -> None:
        """Compose under a lease, or end what crashes whoever composes it; somebody newer taking it cancels the work."""
        with tracing(turn.messages[0].id):
            try:
                await (self._commit(_failed(turn, "turn.crashes")) if crashing else self._compose(turn))
            except Superseded:
                log.info("turn.superseded")
            except StoreUnavailable as error:
                log.warning("turn.store_unavailable", error=str(error))

    async def keep_leases(self) -> None:
        """Renew what is being composed, for ever; cancel what has lost its lease. Run beside `run()`."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            if not (held := dict(self._held)):
                continue
            try:
                async with self._ledger.light() as light:
                    tokens = {conversation: token for token, conversation in held.items()}
                    kept = await statements.renew(light, tokens, self._clock.now() + LEASE)
            except StoreUnavailable:
                continue
            for token, conversation in held.items():
                # What has begun to commit meanwhile has lost its token to nobody but itself.
                if conversation not in kept and token in self._held:
                    self._running[token].cancel()

    async def _compose(self, turn: Turn) -> None:
        composed = await self._journey(turn)
        failpoint("compose.done")
        await self._commit(composed)

    async def _commit(self, turn: Turn) -> None:
        """End the Turn in one commit, then tell. From here on the token's check in it is all that may stop it."""
        self._held.pop(turn.token, None)
        now = self._clock.now()
        planned = self._pacing.plan(turn, turn.draft.parts, now) if turn.draft else []
        ending = Ending(turn, planned, why(turn), now)
        try:
            await self._end(ending)
        except asyncpg.UniqueViolationError:
            # The ledger refused a second answer: something above has lost its count.
            metrics.invariant_breaches.labels("2").inc()
            log.error("turn.second_answer_refused")
            await self._commit(_failed(turn, "turn.second_answer"))
            return
        await self._tell(turn, [p.id for p, _ in planned if p.kind is DeliveryKind.TEXT], now)

    async def _end_all(self, endings: Sequence[Ending]) -> list[BaseException | None]:
        """Commit Turns together; where the ledger refuses that for one of them, each alone."""
        try:
            with metrics.timed("commit"):
                # A plan that a crash of Postgres takes back is composed again; the fence's own commit puts it on disk.
                async with self._ledger.light() as light:
                    ended = await commits.commit_all(light, self._ledger.vault, endings)
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(endings) == 1:
                return [error]
            return [answer for one in endings for answer in await self._end_all([one])]
        return [None if e.turn.id in ended else Superseded() for e in endings]

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


def _failed(turn: Turn, rule: str) -> Turn:
    """The Turn as it ends where nothing more can be done for it: its messages end failed."""
    return replace(turn, draft=None, verdict=Verdict(rule, answer=False, failed=True))


def why(turn: Turn) -> dict[str, Any]:
    """What the owner may see behind a reply: the verdict, the persona, and what a mind was given, by ids."""
    spoke = turn.draft is not None and turn.draft.mind != FIXED_LINE
    return {
        "verdict": turn.verdict.rule if turn.verdict else None,
        "persona": turn.persona.name if turn.persona and spoke else None,
        "leanedOn": [
            {
                "id": str(e.id) if e.id else None,
                "text": e.text,
                "closeness": round(e.closeness, 2),
                "at": e.at.isoformat() if e.at else None,
            }
            for e in turn.examples
            if spoke
        ],
        # Not their texts: whoever is forgotten must not stand behind what others were told.
        "facts": [{"id": f.id, "closeness": round(f.closeness, 2)} for f in turn.facts if spoke],
        "windowLines": len(turn.window),
        "window": list(dict.fromkeys(str(line.id) for line in turn.window if line.id)),
        "answers": [str(m.id) for m in turn.messages],
        "overtaken": turn.overtaken,
    }
