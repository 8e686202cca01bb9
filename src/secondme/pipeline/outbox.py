"""The only mouth: whatever leaves, text, ticks or typing, leaves here, after its intent has been committed."""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from secondme.domain.delivery import Sent
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain, StoreUnavailable
from secondme.failpoints import failpoint
from secondme.observe import metrics
from secondme.observe.logs import get_logger, tracing
from secondme.pipeline.doorbell import SWEEP, Doorbell
from secondme.pipeline.effects import Effects
from secondme.pipeline.switch import Switch
from secondme.ports import Channel, Clock
from secondme.stores.ledger import Connection, Ledger, deliveries, settling
from secondme.stores.ledger.deliveries import InFlight, Ready
from secondme.stores.ledger.due import Receipt

log = get_logger(__name__)
_BATCH = 200
_AT_ONCE = 200
WRITE_WITHIN = 1.0  # seconds after the intent's commit; what is not wholly written by then is aborted
_SETTLE_MARGIN = timedelta(seconds=3)
_SWEEP_EVERY = 1.0
MAX_TRIES = 5
_DOWN_FOR = timedelta(seconds=30)  # where the provider does not say when the account may send again
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
    ) -> None:
        """`channels` by account id; `windowed` are the accounts whose provider closes a 24-hour window."""
        self._ledger = ledger
        self._channels = channels
        self._switch = switch
        self._effects = effects
        self._bell = bell
        self._clock = clock
        self._windowed = windowed
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._swept = 0.0
        self.draining = False

    async def run(self) -> None:
        """Send what is ready for ever; a store that does not answer stops the mouth until it does."""
        while not self.draining:
            try:
                bells = self._bell.take()
                await self._sweep()
                if await self._switch.held():
                    await asyncio.sleep(0.2)
                    continue
                next_moment = await self._start_ready()
                await self._bell.acknowledge(bells)
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
        async with self._ledger.light() as light:
            found = await deliveries.ready(
                light, list(self._channels), list(self._busy), now + timedelta(seconds=SWEEP), room
            )
        for moment, delivery in found:
            if self.draining:
                return None
            if moment > now:
                return moment
            task = asyncio.create_task(self._send(delivery), name=str(delivery.id))
            self._busy[delivery.conversation_id] = task
            task.add_done_callback(partial(self._ended, delivery.conversation_id))
        return None

    def _ended(self, conversation_id: UUID, task: asyncio.Task[None]) -> None:
        self._busy.pop(conversation_id, None)
        self._bell.ring()
        if not task.cancelled() and (error := task.exception()):
            log.error("delivery.crashed", error=type(error).__name__)

    async def _send(self, delivery: Ready) -> None:
        """One delivery: fence, send, settle. What happens between is written in the ledger before and after."""
        channel = self._channels[delivery.account_id]
        try:
            flight, write_before = await self._pass_fence(delivery, channel)
        except StoreUnavailable as error:
            log.warning("outbox.store_unavailable", error=str(error))
            await asyncio.sleep(0.3)
            return
        except Exception as error:  # a row that cannot be read must not be tried for ever
            log.error("delivery.broken", error=type(error).__name__, delivery_id=delivery.id)
            await self._end_broken(delivery, type(error).__name__)
            return
        if flight is None:
            return
        failpoint("outbox.intent")
        with tracing(flight.message_id):
            with metrics.timed("send"):
                result = await self._unless_held(channel, flight, write_before)
            failpoint("outbox.sent")
            await self._settle(flight, result)

    async def _end_broken(self, delivery: Ready, error: str) -> None:
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            receipts, _ = await settling.broken(tx, delivery, error, now)
        self._effects.settled(receipts, now)

    async def _pass_fence(self, delivery: Ready, channel: Channel) -> tuple[InFlight | None, float]:
        """Commit the intent to send; None where something forbids it. No lock is held once this returns."""
        now = self._clock.now()
        until = now + timedelta(seconds=WRITE_WITHIN + channel.answer_timeout) + _SETTLE_MARGIN
        open_since = now - WINDOW if delivery.account_id in self._windowed else None
        with metrics.timed("fence"):
            async with self._ledger.transaction() as tx:
                flight = await deliveries.pass_fence(tx, self._ledger.vault, delivery, now, until, open_since)
                # Counted from before the commit: a process stopped in between must find its time gone.
                write_before = time.monotonic() + WRITE_WITHIN
        if flight is None:
            await self._refused(delivery)
        return flight, write_before

    async def _unless_held(self, channel: Channel, flight: InFlight, write_before: float) -> Sent | Exception:
        """Send, unless a press that the ledger could not take came while the fence waited for its answer."""
        try:
            held = await self._switch.held()
        except StoreUnavailable:
            held = True
        if held:
            return NotSent("The switch was pressed, or nobody knows, before the first byte.")
        return await _attempt(channel, flight, write_before)

    async def _refused(self, delivery: Ready) -> None:
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            silenced = await settling.refused(tx, delivery, now)
        self._effects.settled(silenced, now)

    async def _settle(self, flight: InFlight, result: Sent | Exception) -> None:
        """Write down what became of it; the ledger being away, try until it is back."""
        while True:
            now = self._clock.now()
            try:
                with metrics.timed("settle"):
                    async with self._ledger.transaction() as tx:
                        status, (receipts, due_again) = await self._write_result(tx, flight, result, now)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.3)
        metrics.deliveries.labels(status).inc()
        log.info("delivery.settled", status=status, kind=flight.outgoing.kind, delivery_id=flight.ready.id)
        if due_again:
            self._effects.due_again(flight, now)
        self._effects.left(flight, status, now)
        self._effects.settled(receipts, now)

    async def _write_result(
        self, tx: Connection, flight: InFlight, result: Sent | Exception, now: datetime
    ) -> tuple[str, tuple[list[Receipt], bool]]:
        delivery = flight.ready
        if isinstance(result, Sent):
            return "sent", await settling.sent(tx, self._ledger.vault, flight, result, now)
        if isinstance(result, ChannelDown):
            again = now + (result.wait or _DOWN_FOR)
            return "retry", await settling.not_sent(tx, delivery, again, str(result), now, free=True)
        if isinstance(result, NotSent) and delivery.attempts + 1 < MAX_TRIES:
            again = now + max(timedelta(seconds=2**delivery.attempts), result.wait or timedelta(0))
            return "retry", await settling.not_sent(tx, delivery, again, str(result), now)
        if isinstance(result, NotSent | Rejected):
            return "failed", await settling.not_sent(tx, delivery, None, str(result), now)
        return "uncertain", await settling.uncertain(tx, delivery, str(result), now)


async def _attempt(channel: Channel, flight: InFlight, write_before: float) -> Sent | Exception:
    """Send once. Whatever goes wrong in a way that we do not know is uncertain, never tried again."""
    if time.monotonic() >= write_before:
        return NotSent("The moment to send had passed before the first byte.")
    try:
        return await channel.send(flight.outgoing, write_before)
    except (NotSent, Rejected, SendUncertain) as error:
        return error
    except Exception as error:  # a channel's fault must not take the mouth down
        log.error("channel.failed", error=type(error).__name__)
        return SendUncertain(f"The channel failed unexpectedly ({type(error).__name__}).")
