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
from secondme.stores.ledger.deliveries import InFlight, Ready
from secondme.stores.ledger.due import Receipt
from secondme.stores.ledger.holding import Patience

log = get_logger(__name__)
MAX_TRIES = 5  # for a message's own sake; after them it waits as for an account that is down
_DOWN_FOR = timedelta(seconds=30)  # where the provider does not say when the account may send again
_NOT_NOW = timedelta(seconds=1)
_UNREACHED = timedelta(seconds=15)

type Outcome = tuple[InFlight, Sent | Exception]


class NotTried(NotSent):
    """We held it back ourselves, behind the fence: that is no try, and no fault of the message."""


class Settle:
    """Writes down what became of deliveries, and tells of it."""

    def __init__(self, ledger: Ledger, effects: Effects, clock: Clock, patience: Patience) -> None:
        """`patience` is how long each account still answers: so long is tried what does not leave."""
        self._patience = patience
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
        if isinstance(result, NotSent):
            return "retry", await self._put_off(tx, delivery, result, now)
        if isinstance(result, Rejected):
            return "failed", await settling.not_sent(tx, delivery, None, str(result), now, rule=result.rule)
        return "uncertain", await settling.uncertain(tx, delivery, str(result), now)

    async def _put_off(
        self, tx: Connection, delivery: Ready, result: NotSent, now: datetime
    ) -> tuple[list[Receipt], bool]:
        """Plan it again, after its own tries for as long as the account answers."""
        wait = result.wait or timedelta(0)
        patience: Patience | None = None
        if isinstance(result, NotTried):
            wait, patience = _NOT_NOW, {}
        elif isinstance(result, ChannelDown):
            wait, patience = result.wait or _DOWN_FOR, self._patience
        elif delivery.attempts + 1 < MAX_TRIES:
            wait = max(timedelta(seconds=2**delivery.attempts), wait)
        else:
            wait, patience = max(_UNREACHED, wait), self._patience
        return await settling.not_sent(tx, delivery, now + wait, str(result), now, patience=patience)


def _plain(group: Sequence[Outcome]) -> list[tuple[InFlight, Sent]]:
    """Those that were taken, and are not one of several parts that speak to a message."""
    return [(f, r) for f, r in group if isinstance(r, Sent) and (f.alone or not f.outgoing.text)]
