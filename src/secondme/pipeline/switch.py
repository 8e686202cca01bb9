"""The kill switch and its smaller sister, the pause of one contact: after they return, nothing more leaves.

A press commits first and asks later. Whatever store says stop stops; only the ledger resumes.
"""

import asyncio
import json
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from secondme.domain.errors import StoreUnavailable
from secondme.domain.event import PauseEvent
from secondme.domain.pause import PauseReason
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.pipeline.effects import Effects
from secondme.ports import Clock, Signals
from secondme.stores.ledger import Ledger, pauses, settling
from secondme.stores.ledger.deliveries import Ready

log = get_logger(__name__)
_WAIT = 2.0  # seconds that a press waits for what is in flight
_LEDGER = 3.0  # seconds that the ledger gets to take a stop of everybody before that is held beside it
_WRITE_OUT = 1.3  # seconds after which no request that began before a press can still be writing
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a press did. `leaving` names the deliveries that nobody could call back; they end uncertain."""

    committed: bool  # False: held in Redis and in a file, committed before anything is sent again
    since: datetime
    leaving: tuple[UUID, ...] = ()
    silenced: int = 0


async def hold_press(held_file: Path, signals: Signals | None, now: datetime) -> Pressed:
    """Stop everything where the ledger does not take it: in the file and, where given, in Redis.

    Every mouth looks at both before it speaks. Returns when nothing that began before can still be writing.
    """
    try:
        write_whole(held_file, json.dumps({"since": now.timestamp()}))
    finally:
        if signals is not None:
            await signals.press(now)
    await asyncio.sleep(_WRITE_OUT)
    return Pressed(False, now)


class Switch:
    """Pauses and resumes, for one contact or for everybody, from any process that reaches the stores."""

    def __init__(
        self, ledger: Ledger, signals: Signals, effects: Effects, clock: Clock, held_file: Path
    ) -> None:
        self._ledger = ledger
        self._signals = signals
        self._effects = effects
        self._clock = clock
        self._held_file = held_file
        self._late: set[asyncio.Task[None]] = set()  # presses that a slow ledger may still take

    async def press(
        self, contact_id: UUID | None = None, length: timedelta | None = None, actor: str = "owner"
    ) -> Pressed:
        """Stop everything, or one contact. When this returns no byte leaves but those of the named deliveries."""
        now = self._clock.now()
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
            return await hold_press(self._held_file, self._signals, now)
        if contact_id is None and until is not None:
            await self._signals.press(now)
        leaving = await self._drain(contact_id)
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
        async with self._ledger.transaction() as tx:
            await pauses.begin(tx, contact_id, reason, now, until)

    async def _in_time(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the ledger, but not for one that hangs: raises StoreUnavailable, and the work may yet end.

        One press that is taken late and held as well may stand twice; one resume lifts both.
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

    async def _drain(self, contact_id: UUID | None) -> tuple[UUID, ...]:
        """Let running fences end, then wait a little for what they let through; the rest is named and uncertain."""
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
            await asyncio.sleep(_WRITE_OUT)
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

        What arrived meanwhile has ended silent and stays so.
        """
        if contact_id is None:
            await self._adopt()
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            running = await pauses.active(tx, now)
        if any(pause.contact_id == contact_id for pause in running):
            # What waits has met it. Times of arrival cannot tell once a clock has been set back.
            await self._end_waiting(contact_id, now)
        async with self._ledger.transaction() as tx:
            lifted = await pauses.lift(tx, contact_id, now)
        if contact_id is None:
            await self._signals.release(now)
        self._effects.paused([PauseEvent("pause.lifted", contact_id, None, "resume")], now, actor)
        return lifted

    async def held(self) -> bool:
        """Whether any store says stop. Raises StoreUnavailable where one does not answer: unknown means silent.

        A stop that the ledger has not seen is committed to it first.
        """
        if await self._signals.stop_pressed_at() is None and not self._held_files():
            return False
        return await self._adopt()

    async def _adopt(self) -> bool:
        """Take a stop from Redis or the file into the ledger; True while everybody is stopped."""
        now, in_redis, files = self._clock.now(), await self._in_redis(), self._take_files()
        stops = [moment for moment in (in_redis, *files.values()) if moment is not None]
        async with self._ledger.transaction() as tx:
            for since in stops:
                if not await pauses.known_stop(tx, since):
                    await pauses.begin(tx, None, PauseReason.SWITCH, since, None)
                    log.warning("switch.adopted")
            stopped = any(p.contact_id is None for p in await pauses.active(tx, now))
            ended = await pauses.last_ended(tx, now)
        for file in files:
            file.unlink(missing_ok=True)
        if not stopped and ended is not None:
            await self._signals.release(ended)
        return stopped

    async def _in_redis(self) -> datetime | None:
        """What PAUSE:ALL says; for a resume, Redis being away is no reason to fail."""
        try:
            return await self._signals.stop_pressed_at()
        except StoreUnavailable:
            return None

    def _held_files(self) -> list[Path]:
        """The held press, under its own name or those that adoptions gave it."""
        return list(self._held_file.parent.glob(f"{self._held_file.name}*"))

    def _take_files(self) -> dict[Path, datetime | None]:
        """The held press under a name of its own, so that the next one cannot be unlinked in its place."""
        with suppress(FileNotFoundError):
            self._held_file.replace(f"{self._held_file}.{uuid4()}")
        return {file: self._in_file(file) for file in self._held_files() if file != self._held_file}

    def _in_file(self, file: Path) -> datetime | None:
        try:
            return datetime.fromtimestamp(json.loads(file.read_text())["since"], UTC)
        except FileNotFoundError:
            return None  # adopted by somebody else just now
        except (OSError, ValueError, KeyError, TypeError):
            # A file that cannot be read still says stop.
            return self._clock.now()

    async def mirror(self) -> None:
        """Make the documented keys agree with the ledger, after taking over what they know and it does not."""
        now = self._clock.now()
        if await self._in_redis() is not None or self._held_files():
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


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
