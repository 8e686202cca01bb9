"""After the send: what became of it is written down, together where several come back within the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from secondme.domain.delivery import Sent
from secondme.domain.errors import ChannelDown, NotSent, Rejected, StoreUnavailable
from secondme.observe import metrics
from secondme.observe.logs import get_logger
from secondme.pipeline.effects import Effects
from secondme.pipeline.together import Together
from secondme.ports import Clock
from secondme.stores.ledger import Connection, Ledger, settling, taken
from secondme.stores.ledger.deliveries import InFlight
from secondme.stores.ledger.due import Receipt

log = get_logger(__name__)
MAX_TRIES = 5
_DOWN_FOR = timedelta(seconds=30)  # where the provider does not say when the account may send again
_NOT_NOW = timedelta(seconds=1)

type Outcome = tuple[InFlight, Sent | Exception]


class NotTried(NotSent):
    """We held it back ourselves, behind the fence: that is no try, and no fault of the message."""


class Settle:
    """Writes down what became of deliveries, and tells of it."""

    def __init__(self, ledger: Ledger, effects: Effects, clock: Clock) -> None:
        self._ledger = ledger
        self._effects = effects
        self._clock = clock
        self._together = Together[Outcome, str](self._settle_group)

    async def __call__(self, flight: InFlight, result: Sent | Exception) -> str:
        """Returns sent, retry, failed or uncertain, once that is written down."""
        return await self._together((flight, result))

    async def _settle_group(self, group: Sequence[Outcome]) -> list[str | BaseException]:
        """Write down what became of them; the ledger being away, try until it is back."""
        plain = _plain(group)
        statuses: dict[UUID, str | BaseException] = {}
        if len(plain) > 1:
            try:
                statuses = await self._until_back(partial(self._settle_plain, plain))
            except Exception as error:  # each alone then, so that only its own fault is its fault
                log.error("delivery.group_failed", error=type(error).__name__)
        for flight, result in group:
            if flight.ready.id not in statuses:
                try:
                    statuses[flight.ready.id] = await self._until_back(
                        partial(self._settle_one, flight, result)
                    )
                except Exception as error:
                    statuses[flight.ready.id] = error
        return [statuses[flight.ready.id] for flight, _ in group]

    async def _until_back[T](self, write: Callable[[datetime], Awaitable[T]]) -> T:
        while True:
            try:
                with metrics.timed("settle"):
                    return await write(self._clock.now())
            except StoreUnavailable:
                await asyncio.sleep(0.3)

    async def _settle_plain(
        self, group: Sequence[tuple[InFlight, Sent]], now: datetime
    ) -> dict[UUID, str | BaseException]:
        async with self._ledger.single() as single:
            receipts, due_again = await taken.sent_all(single, self._ledger.vault, group, now)
        for flight, _ in group:
            self._tell(flight, "sent", flight.ready.conversation_id in due_again, now)
        self._effects.settled(receipts, now)
        return {flight.ready.id: "sent" for flight, _ in group}

    async def _settle_one(self, flight: InFlight, result: Sent | Exception, now: datetime) -> str:
        if plain := _plain([(flight, result)]):
            await self._settle_plain(plain, now)
            return "sent"
        async with self._ledger.transaction() as tx:
            status, (receipts, due_again) = await self._write_result(tx, flight, result, now)
        self._tell(flight, status, due_again, now)
        self._effects.settled(receipts, now)
        return status

    def _tell(self, flight: InFlight, status: str, due_again: bool, now: datetime) -> None:
        if due_again:
            self._effects.due_again(flight, now)
        self._effects.left(flight, status, now)

    async def _write_result(
        self, tx: Connection, flight: InFlight, result: Sent | Exception, now: datetime
    ) -> tuple[str, tuple[list[Receipt], bool]]:
        delivery = flight.ready
        if isinstance(result, Sent):
            return "sent", await taken.sent(tx, self._ledger.vault, flight, result, now)
        if isinstance(result, ChannelDown):
            again = now + (result.wait or _DOWN_FOR)
            return "retry", await settling.not_sent(tx, delivery, again, str(result), now, free=True)
        if isinstance(result, NotTried):
            return "retry", await settling.not_sent(tx, delivery, now + _NOT_NOW, str(result), now, free=True)
        if isinstance(result, NotSent) and delivery.attempts + 1 < MAX_TRIES:
            again = now + max(timedelta(seconds=2**delivery.attempts), result.wait or timedelta(0))
            return "retry", await settling.not_sent(tx, delivery, again, str(result), now)
        if isinstance(result, NotSent | Rejected):
            rule = result.rule if isinstance(result, Rejected) else None
            return "failed", await settling.not_sent(tx, delivery, None, str(result), now, rule=rule)
        return "uncertain", await settling.uncertain(tx, delivery, str(result), now)


def _plain(group: Sequence[Outcome]) -> list[tuple[InFlight, Sent]]:
    """Those that were taken, and are not one of several parts that speak to a message."""
    return [(f, r) for f, r in group if isinstance(r, Sent) and (f.alone or not f.outgoing.text)]
