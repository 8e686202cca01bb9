"""The only mouth: whatever leaves, text, ticks or typing, leaves here, after its intent has been committed."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from secondme.domain.delivery import Sent
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain, StoreUnavailable
from secondme.failpoints import failpoint
from secondme.observe import metrics
from secondme.observe.logs import get_logger, tracing
from secondme.pipeline.doorbell import SWEEP, Doorbell
from secondme.pipeline.effects import Effects
from secondme.pipeline.limits import Limits
from secondme.pipeline.reaching import Reaching
from secondme.pipeline.settle import NotTried, Settle
from secondme.pipeline.switch import Switch
from secondme.ports import Channel, Clock
from secondme.stores.ledger import Ledger, deliveries, holding, settling
from secondme.stores.ledger.deliveries import InFlight, Ready, Terms
from secondme.stores.ledger.holding import Patience

log = get_logger(__name__)
_BATCH = (
    10  # pass together: what has passed must leave within a second, and a crash leaves all of it uncertain
)
_AT_ONCE = 200
_RESERVED = 2 * _BATCH  # places that are kept for each other account: a provider that hangs must not take all
WRITE_WITHIN = 1.0  # seconds after the intent's commit; what is not wholly written by then is aborted
_SETTLE_MARGIN = timedelta(seconds=3)
_SWEEP_EVERY = 1.0
_FREE_FOR = (
    0.2  # seconds for which a look at the stores ahead of the fence is enough; behind it there is another
)
_SILENT_FOR = timedelta(seconds=0.2)
WINDOW = timedelta(hours=24)  # the provider's: no free text later than this after the contact's last message


class Outbox:
    """The gateway's loop over planned deliveries. Nothing else holds a channel."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Mapping[str, Channel],
        switch: Switch,
        effects: Effects,
        bell: Doorbell,
        clock: Clock,
        windowed: frozenset[str] = frozenset(),
        limits: Limits | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`channels` by account id; `windowed` are the accounts whose provider closes a 24-hour window; `limits` are
        how fast providers let them speak, `patience` how long they try what does not leave (else for ever)."""
        self._ledger = ledger
        self._channels = channels
        self._switch = switch
        self._effects = effects
        self._bell = bell
        self._clock = clock
        self._windowed = windowed
        self._limits = limits or Limits({})
        self._busy: dict[UUID, asyncio.Task[bool]] = {}  # by conversation
        self._places = Counter[str]()  # that each account has among them
        self._most = max(_BATCH, _AT_ONCE - _RESERVED * (len(channels) - 1))
        self._proven: set[str] = set()  # accounts by which something has left since they were last in doubt
        self._settle = Settle(ledger, effects, clock, patience or {})
        self._reach = Reaching(channels, bell.ring)
        self._swept = 0.0
        self._free_at = -_FREE_FOR  # when the stores last said that nothing is stopped, by time.monotonic()
        self.draining = False

    async def run(self) -> None:
        """Send what is ready for ever; a store that does not answer stops the mouth until it does."""
        try:
            while not self.draining:
                await self._round()
        finally:
            self._reach.stop()

    async def _round(self) -> None:
        try:
            bells = self._bell.take()
            await self._sweep()
            next_moment = await self._start_ready()
            self._bell.acknowledge(bells)
            await self._bell.wait_until(next_moment, self._clock.now())
        except StoreUnavailable as error:
            log.warning("outbox.store_unavailable", error=str(error))
            await asyncio.sleep(0.3)

    async def drain(self, timeout: float) -> list[str]:  # noqa: ASYNC109
        """Start nothing new and let what is leaving end; returns the deliveries left open."""
        self.draining = True
        self._bell.ring()
        if not self._busy:
            return []
        _, left = await asyncio.wait(set(self._busy.values()), timeout=timeout)
        return [task.get_name() for task in left]

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept < _SWEEP_EVERY:
            return
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            receipts = await settling.sweep(tx, now)
        self._swept = time.monotonic()
        self._effects.settled(receipts, now)

    async def _start_ready(self) -> datetime | None:
        """Start what may go now; returns the moment of the next one, as far as it lies before the next sweep."""
        room = min(_AT_ONCE - len(self._busy), _BATCH)
        if room <= 0:
            return None
        now = self._clock.now()
        full = self._limits.waiting(now)
        shut = {*full, *self._reach.accounts}
        async with self._ledger.light() as light:
            found = await deliveries.ready(
                light,
                [a for a in self._channels if a not in shut and self._places[a] < self._most],
                list(self._busy),
                [who for who in full if isinstance(who, UUID)],
                now + timedelta(seconds=SWEEP),
                room,
            )
        group = [delivery for moment, delivery in found if moment <= now]
        later = [moment for moment, _ in found if moment > now]
        if group and not self.draining:
            if await self._silent():
                self._proven.clear()
                return now + _SILENT_FOR
            reached = await self._reach(group)
            if not self.draining and (may := self._limits.room(reached, now)):
                await self._pass(may)
            if len(found) == room:
                self._bell.ring()  # there may be more
        return min([*later, *self._limits.waiting(now).values()], default=None)

    async def _silent(self) -> bool:
        """Whether a stop is known, asked anew after a moment: nothing needs to reach the fence to be told so there."""
        if time.monotonic() - self._free_at > _FREE_FOR:
            if await self._switch.held():
                return True
            self._free_at = time.monotonic()
        return False

    async def _pass(self, group: Sequence[Ready]) -> None:
        """Let a group pass the fence together, and start what has passed, unless a press came meanwhile."""
        now = self._clock.now()
        terms = {d.account_id: self._terms(d.account_id, now) for d in group}
        # Counted from before the commit: a process stopped in between must find its time gone.
        write_before = time.monotonic() + WRITE_WITHIN
        flights: Mapping[UUID, InFlight | Exception] = {}
        try:
            with metrics.timed("fence"):
                flights = await self._fence(group, terms, now)
        finally:
            for delivery in group:
                if not isinstance(flights.get(delivery.id), InFlight):
                    self._limits.give_back(delivery)
        if flights:
            failpoint("outbox.intent")
        held = bool(flights) and await self._held()
        for delivery in group:
            flight = flights.get(delivery.id)
            if isinstance(flight, InFlight):
                self._start(delivery, self._carry(flight, write_before, held))
            elif flight is not None:
                self._start(delivery, self._end_broken(delivery, flight))
            else:
                self._start(delivery, self._refused(delivery, terms[delivery.account_id]))

    def _terms(self, account_id: str, now: datetime) -> Terms:
        answered = timedelta(seconds=WRITE_WITHIN + self._channels[account_id].answer_timeout)
        open_since = now - WINDOW if account_id in self._windowed else None
        return Terms(now + answered + _SETTLE_MARGIN, open_since)

    async def _fence(
        self, group: Sequence[Ready], terms: Mapping[str, Terms], now: datetime
    ) -> dict[UUID, InFlight | Exception]:
        """Commit the intents; where that fails for one of them, each alone."""
        try:
            async with self._ledger.single() as single:
                return await deliveries.pass_fences(single, self._ledger.vault, group, terms, now)
        except StoreUnavailable:
            raise
        except Exception as error:  # what cannot be read must not be tried for ever
            if len(group) == 1:
                return {group[0].id: error}
        return {k: v for one in group for k, v in (await self._fence([one], terms, now)).items()}

    async def _held(self) -> bool:
        """Whether a press that the ledger could not take came while the fence waited for its answer."""
        try:
            return await self._switch.held()
        except StoreUnavailable:
            return True

    def _start(self, delivery: Ready, work: Coroutine[Any, Any, bool]) -> None:
        task = asyncio.create_task(work, name=str(delivery.id))
        self._busy[delivery.conversation_id] = task
        self._places[delivery.account_id] += 1
        task.add_done_callback(partial(self._ended, delivery))

    def _ended(self, delivery: Ready, task: asyncio.Task[bool]) -> None:
        """Look again where something may follow: behind it, or where there was no room."""
        crowded = len(self._busy) >= _AT_ONCE or self._places[delivery.account_id] >= self._most
        self._busy.pop(delivery.conversation_id, None)
        self._places[delivery.account_id] -= 1
        error = None if task.cancelled() else task.exception()
        if error:
            log.error("delivery.crashed", error=type(error).__name__)
        if crowded or task.cancelled() or error or task.result():
            self._bell.ring()

    async def _carry(self, flight: InFlight, write_before: float, held: bool) -> bool:
        """Send and settle what has passed; returns whether something may follow in its conversation."""
        with tracing(flight.message_id):
            with metrics.timed("send"):
                result = await self._unless_held(flight, write_before, held)
            failpoint("outbox.sent")
            if isinstance(result, NotTried):
                self._limits.give_back(flight.ready)
            status = await self._settle(flight, result)
            await self._prove(flight.ready.account_id, result)
            metrics.deliveries.labels(status).inc()
            _tell(flight, result, status)
        return flight.more or status != "sent"

    async def _prove(self, account_id: str, result: Sent | Exception) -> None:
        """What leaves after a trouble, or first of all, wakes the conversations of its account that are held for it."""
        if isinstance(result, NotSent):
            self._proven.discard(account_id)
        elif isinstance(result, Sent) and account_id not in self._proven:
            try:
                async with self._ledger.transaction() as tx:
                    await holding.wake(tx, account_id, self._clock.now())
            except StoreUnavailable:
                return  # the next one wakes them
            self._proven.add(account_id)

    async def _unless_held(self, flight: InFlight, write_before: float, held: bool) -> Sent | Exception:
        if held:
            return NotTried("The switch was pressed, or nobody knows, before the first byte.")
        channel = self._channels[flight.ready.account_id]
        return await _attempt(channel, flight, write_before)

    async def _end_broken(self, delivery: Ready, error: Exception) -> bool:
        log.error("delivery.broken", error=type(error).__name__, delivery_id=delivery.id)
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            receipts, _ = await settling.broken(tx, delivery, type(error).__name__, now)
        self._effects.settled(receipts, now)
        return True

    async def _refused(self, delivery: Ready, terms: Terms) -> bool:
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            silenced = await settling.refused(tx, delivery, now, terms.open_since)
        self._effects.settled(silenced, now)
        return True


def _tell(flight: InFlight, result: Sent | Exception, status: str) -> None:
    """What became of it and why: a warning where it does not pass by itself."""
    told: dict[str, Any] = {"status": status, "kind": flight.outgoing.kind, "delivery_id": flight.ready.id}
    if isinstance(result, Exception):
        told["error"] = result
    if isinstance(result, Rejected):
        told["rule"] = result.rule
    passes = isinstance(result, Sent | NotSent) and not isinstance(result, ChannelDown)
    (log.info if passes else log.warning)("delivery.settled", **told)


async def _attempt(channel: Channel, flight: InFlight, write_before: float) -> Sent | Exception:
    """Send once. Whatever goes wrong in a way that we do not know is uncertain, never tried again."""
    if time.monotonic() >= write_before:
        return NotTried("The moment to send had passed before the first byte.")
    try:
        return await channel.send(flight.outgoing, write_before)
    except (NotSent, Rejected, SendUncertain) as error:
        return error
    except Exception as error:  # a channel's fault must not take the mouth down
        log.error("channel.failed", error=type(error).__name__)
        return SendUncertain(f"The channel failed unexpectedly ({type(error).__name__}).")
