"""The kill switch and its smaller sister, the pause of one contact: after they return, nothing more leaves.

A press commits first and asks later. Whatever store says stop stops; only the ledger resumes.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from secondme.domain.errors import StoreUnavailable
from secondme.domain.event import PauseEvent
from secondme.domain.pause import PauseReason
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.pipeline.effects import Effects
from secondme.pipeline.held import WRITE_OUT, HeldFiles, hold_press, press_id, whole_ms
from secondme.ports import Clock, Signals
from secondme.stores.ledger import Ledger, pauses, settling
from secondme.stores.ledger.deliveries import Ready

log = get_logger(__name__)
_WAIT = 2.0  # seconds that a press waits for what is in flight
_LEDGER = 3.0  # seconds that the ledger gets to take a stop of everybody before that is held beside it
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a press did. `leaving` names the deliveries that nobody could call back; they end uncertain."""

    committed: bool  # False: held in Redis and in a file, committed before anything is sent again
    since: datetime
    leaving: tuple[UUID, ...] = ()
    silenced: int = 0


class Switch:
    """Pauses and resumes, for one contact or for everybody, from any process that reaches the stores."""

    def __init__(
        self, ledger: Ledger, signals: Signals, effects: Effects, clock: Clock, held_file: Path
    ) -> None:
        self._ledger = ledger
        self._signals = signals
        self._effects = effects
        self._clock = clock
        self._files = HeldFiles(held_file)
        self._late: set[asyncio.Task[None]] = set()  # presses that a slow ledger may still take

    async def press(
        self, contact_id: UUID | None = None, length: timedelta | None = None, actor: str = "owner"
    ) -> Pressed:
        """Stop everything, or one contact. When this returns no byte leaves but those of the named deliveries."""
        now = whole_ms(self._clock.now())
        until = now + length if length else None
        reason = PauseReason.SWITCH if contact_id is None else PauseReason.MANUAL
        if contact_id is None and until is None:
            # Ahead of the ledger, which may be slow. One that ends is told after it: who adopts it knows no end.
            await self._signals.press(now)
        begin = self._begin(contact_id, reason, now, until)
        try:
            await (begin if contact_id else self._in_time(begin))
        except StoreUnavailable:
            if contact_id is not None:
                raise
            return Pressed(False, await hold_press(self._files.file, self._signals, now))
        if contact_id is None and until is not None:
            await self._signals.press(now)
        leaving = await self.drain(contact_id)
        try:
            silenced = await self._end_waiting(contact_id, now)
        except StoreUnavailable:
            silenced = 0  # the pause is committed: the judge and the fence end the rest
        self._effects.paused([PauseEvent("pause.started", contact_id, until, reason)], now, actor)
        return Pressed(True, now, leaving, silenced)

    async def _begin(
        self, contact_id: UUID | None, reason: PauseReason, now: datetime, until: datetime | None
    ) -> None:
        if contact_id is None and until is not None:
            await self._adopt()  # or this one would take the place of a held one that has no end
        id_ = press_id(now) if contact_id is None else uuid4()
        async with self._ledger.transaction() as tx:
            await pauses.begin(tx, id_, contact_id, reason, now, until)

    async def _in_time(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the ledger, but not for one that hangs: raises StoreUnavailable, and the work may yet end.

        One that is taken late and was held meanwhile is one press: it has one id.
        """
        task = asyncio.ensure_future(work)
        self._late.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=_LEDGER)
        if not task.done():
            raise StoreUnavailable("The ledger did not take the stop in time.")
        task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("switch.not_taken", error=type(error).__name__)

    async def drain(self, contact_id: UUID | None) -> tuple[UUID, ...]:
        """Let running fences end, then wait a little for what they let through; the rest is named and uncertain.

        For after a commit that no later fence passes.
        """
        deadline = time.monotonic() + _WAIT
        try:
            async with self._ledger.transaction() as tx:
                await pauses.drain_fence(tx, contact_id)
            while await self._in_flight(contact_id):
                if time.monotonic() > deadline:
                    return await self._name(contact_id)
                await asyncio.sleep(_POLL)
        except StoreUnavailable:
            # Cut off after the commit: nobody can list what is leaving, so outwait its writing.
            await asyncio.sleep(WRITE_OUT)
        return ()

    async def _in_flight(self, contact_id: UUID | None) -> list[Ready]:
        async with self._ledger.transaction() as tx:
            return await pauses.in_flight(tx, contact_id)

    async def _name(self, contact_id: UUID | None) -> tuple[UUID, ...]:
        """What is still in flight is uncertain from now on; its sender may yet learn better."""
        now, receipts, named = self._clock.now(), [], []
        async with self._ledger.transaction() as tx:
            for delivery in await pauses.in_flight(tx, contact_id):
                receipts += (await settling.uncertain(tx, delivery, "switch.pressed", now))[0]
                named.append(delivery.id)
        self._effects.settled(receipts, now)
        return tuple(named)

    async def _end_waiting(self, contact_id: UUID | None, now: datetime) -> int:
        """End what waits there, a few conversations at a time, so that nobody's lock is held for long."""
        rule = "switch.pressed" if contact_id is None else "contact.paused"
        silenced = 0
        async with self._ledger.transaction() as tx:
            conversations = list(await pauses.affected(tx, contact_id))
        for start in range(0, len(conversations), 20):
            async with self._ledger.transaction() as tx:
                ended = await pauses.end_waiting(tx, conversations[start : start + 20], rule, now)
            self._effects.settled(ended, now)
            silenced += len(ended)
        return silenced

    async def resume(self, contact_id: UUID | None = None, actor: str = "owner") -> int:
        """Lift what pauses everybody, or one contact's pauses. Returns how many were lifted.

        What arrived meanwhile has ended silent and stays so. What begins while this runs, a press or the owner's
        own word, is not lifted by it.
        """
        if contact_id is None:
            await self._adopt()
        begun = self._clock.now()
        async with self._ledger.transaction() as tx:
            running = [p.id for p in await pauses.active(tx, begun) if p.contact_id == contact_id]
        if running:
            # What waits has met it. Times of arrival cannot tell once a clock has been set back.
            await self._end_waiting(contact_id, begun)
        async with self._ledger.transaction() as tx:
            # Not the moment at which this began: what came in between has met the pause.
            now = self._clock.now()
            lifted = await pauses.lift(tx, running, now)
        if contact_id is None:
            await self._signals.release(begun)
        if lifted:
            self._effects.paused([PauseEvent("pause.lifted", contact_id, None, "resume")], now, actor)
        return lifted

    async def held(self) -> bool:
        """Whether any store says stop. Raises StoreUnavailable where one does not answer: unknown means silent.

        A stop that the ledger has not seen is committed to it first.
        """
        if await self._signals.stop_pressed_at() is None and not self._files.present():
            return False
        return await self._adopt()

    async def _adopt(self) -> bool:
        """Take a stop from Redis or the file into the ledger; True while everybody is stopped."""
        now, in_redis, files = self._clock.now(), await self._in_redis(), self._files.take()
        async with self._ledger.transaction() as tx:
            stops = set(files.values())
            if in_redis is not None and not await pauses.known_stop(tx, press_id(in_redis), in_redis, now):
                stops.add(in_redis)
            for since in stops:
                if await pauses.begin(tx, press_id(since), None, PauseReason.SWITCH, since, None):
                    log.warning("switch.adopted")
            stopped = any(p.contact_id is None for p in await pauses.active(tx, now))
            ended = await pauses.last_ended(tx, now)
        self._files.drop(files)
        if not stopped and ended is not None:
            await self._signals.release(ended)
        return stopped

    async def _in_redis(self) -> datetime | None:
        """What PAUSE:ALL says; for a resume, Redis being away is no reason to fail."""
        try:
            return await self._signals.stop_pressed_at()
        except StoreUnavailable:
            return None

    async def mirror(self) -> None:
        """Make the documented keys agree with the ledger, after taking over what they know and it does not."""
        now = self._clock.now()
        if await self._in_redis() is not None or self._files.present():
            await self._adopt()
        async with self._ledger.transaction() as tx:
            running = await pauses.active(tx, now)
        everybody = [p for p in running if p.contact_id is None]
        contacts: dict[str, datetime | None] = {}
        for pause in running:
            if pause.contact_id is not None:
                contacts[str(pause.contact_id)] = _later(
                    contacts.get(str(pause.contact_id), pause.until), pause.until
                )
        metrics.active_pauses.set(len(contacts) + (1 if everybody else 0))
        await self._signals.mirror_pauses(min((p.since for p in everybody), default=None), contacts)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later end; None is open-ended and later than all."""
    return None if one is None or other is None else max(one, other)
