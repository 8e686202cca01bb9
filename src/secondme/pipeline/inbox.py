"""The ears: what channels hand over becomes durable here, once, in grouped commits."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID

import asyncpg

from secondme.domain.delivery import Sent, StatusUpdate
from secondme.domain.event import PauseEvent
from secondme.domain.message import Accepted, Inbound, Kind
from secondme.domain.pause import PauseReason
from secondme.domain.profile import Account
from secondme.failpoints import failpoint
from secondme.observe import metrics
from secondme.observe.logs import get_logger, log_each
from secondme.pipeline.effects import Effects
from secondme.ports import Clock
from secondme.stores.ledger import (
    Connection,
    Ledger,
    arrivals,
    due,
    ingest,
    people,
    retention,
    settling,
    statuses,
)
from secondme.stores.ledger.arrivals import Arrival

log = get_logger(__name__)
_GROUP = 500
_REMEMBERED = 50_000  # people whose place is known without asking
# Errors that lie in the item itself; anything else is ours or passes, and the provider delivers again.
_POISON = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, OverflowError)
_CONCERNING = {
    Kind.EDIT: "message.edit",
    Kind.DELETION: "message.deletion",
    Kind.REACTION: "message.reaction",
    Kind.SYSTEM: "message.system",
}


type _Key = tuple[str, str, str | None, bool]


@dataclass(slots=True)
class _Waiting:
    items: Sequence[Inbound]
    done: asyncio.Future[list[Accepted]]


@dataclass(slots=True)
class _Group:
    """What one transaction did, told to the world after its commit."""

    met: dict[_Key, people.Whom] = field(default_factory=dict)
    fresh: list[Arrival] = field(default_factory=list)
    pauses: list[PauseEvent] = field(default_factory=list)
    receipts: list[due.Receipt] = field(default_factory=list)


class Inbox:
    """Groups what arrives within a moment into one transaction. Run `run()` beside it."""

    def __init__(
        self, ledger: Ledger, accounts: Mapping[str, Account], effects: Effects, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._effects = effects
        self._clock = clock
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(maxsize=10_000)
        self._known: dict[_Key, people.Whom] = {}

    async def accept(self, items: Sequence[Inbound]) -> list[Accepted]:
        """Make every item durable, or raise and make none of them so. Returns after the commit, in order.

        Raises StoreUnavailable when the ledger does not answer: the provider will deliver again.
        """
        if not items:
            return []
        waiting = _Waiting(items, asyncio.get_running_loop().create_future())
        await self._queue.put(waiting)
        return await waiting.done

    async def run(self) -> None:
        """Take whatever waits, commit it as one group, and again."""
        while True:
            group = [await self._queue.get()]
            room = _GROUP - len(group[0].items)
            while room > 0 and not self._queue.empty():
                group.append(self._queue.get_nowait())
                room -= len(group[-1].items)
            await self._commit(group)

    async def _commit(self, group: list[_Waiting]) -> None:
        items = [item for waiting in group for item in waiting.items]
        try:
            results = await self._write_each(items)
        except Exception as error:
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_exception(error)
            return
        for waiting in group:
            mine, results = results[: len(waiting.items)], results[len(waiting.items) :]
            if not waiting.done.done():
                waiting.done.set_result(mine)

    async def _write_each(self, items: list[Inbound]) -> list[Accepted]:
        """All in one transaction; where one of them cannot be written, each alone and that one kept aside."""
        try:
            return await self._write(items)
        except _POISON as error:
            log.warning("inbox.group_refused", error=type(error).__name__, count=len(items))
        return [await self._write_alone(item) for item in items]

    async def _write_alone(self, item: Inbound) -> Accepted:
        try:
            return (await self._write([item]))[0]
        except _POISON as error:
            payload = json.dumps(item.raw or {"from": item.address, "text": item.text}).encode()
            await self.keep_aside(item.account_id, payload, type(error).__name__, self._sender(item))
            return Accepted(None, new=False)

    async def _write(self, items: list[Inbound]) -> list[Accepted]:
        try:
            return await self._write_once(items)
        except asyncpg.ForeignKeyViolationError:
            # A contact that we remembered has been forgotten meanwhile.
            self._known.clear()
            return await self._write_once(items)

    async def _write_once(self, items: list[Inbound]) -> list[Accepted]:
        now, told = self._clock.now(), _Group()
        with metrics.timed("accept"):
            async with self._ledger.transaction(ears=True) as tx:
                buried = await self._buried(tx, items, now)
                living = [item for item, gone in zip(items, buried, strict=True) if not gone]
                found = await self._whom(tx, living, told, now)
                batch = [
                    arrivals.arrival(self._ledger.vault, item, self._accounts[item.account_id], whom)
                    for item, whom in zip(living, found, strict=True)
                ]
                ids = await self._write_runs(tx, batch, told, now)
        failpoint("inbox.committed")
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        self._remember(told.met)
        await self._tell(told, now)
        written = iter(batch)
        return [Accepted(None, new=False) if gone else ids[next(written).id] for gone in buried]

    async def _whom(
        self, tx: Connection, items: list[Inbound], told: _Group, now: datetime
    ) -> list[people.Whom]:
        """Where each item leads; ids made here are remembered only after the commit."""
        addresses = [self._address(item) for item in items]
        missing = {_cache_key(a): a for a in addresses if _cache_key(a) not in self._known}
        if missing:
            made = await people.resolve(tx, self._ledger.vault, list(missing.values()), now)
            told.met = dict(zip(missing, made, strict=True))
        return [told.met.get(_cache_key(a)) or self._known[_cache_key(a)] for a in addresses]

    def _remember(self, met: Mapping[_Key, people.Whom]) -> None:
        """Whoever is met under two addresses may have moved: what either alone led to is asked again."""
        for account, key, also, _ in met:
            for single in (key, also) if also else ():
                self._known.pop((account, single, None, True), None)
                self._known.pop((account, single, None, False), None)
        self._known.update(met)

    def _address(self, item: Inbound) -> people.Address:
        account = self._accounts[item.account_id]
        network, digest = people.network_of(account.channel), self._ledger.vault.digest
        return people.Address(
            account,
            network,
            digest("address", network, item.address),
            item.address,
            None if item.from_me else item.name,
            item.also,
            digest("address", network, item.also) if item.also else None,
        )

    def _sender(self, item: Inbound) -> str | None:
        """The keyed address of an item that could not be written; its address may be what is wrong with it."""
        try:
            return self._address(item).key
        except ValueError:
            return None

    async def _buried(self, tx: Connection, items: list[Inbound], now: datetime) -> list[bool]:
        """Which items were erased: asked before anybody is met, so that they do not bring their sender back."""
        if not await arrivals.any_buried(tx):
            return [False] * len(items)
        vault = self._ledger.vault
        stones = [
            {
                retention.tombstone(vault, item.account_id, key, vault.digest("message", item.provider_id))
                for key in self._address(item).keys
            }
            for item in items
        ]
        standing = await arrivals.buried(tx, [stone for each in stones for stone in each], now)
        return [not each.isdisjoint(standing) for each in stones]

    async def _write_runs(
        self, tx: Connection, batch: list[Arrival], told: _Group, now: datetime
    ) -> dict[UUID, Accepted]:
        """In order of arrival: runs of new messages in bulk, everything else one by one."""
        ids: dict[UUID, Accepted] = {}
        await due.lock(tx, [a.whom.conversation_id for a in batch])
        for simple, run in groupby(batch, key=_is_simple):
            if simple:
                ids |= await self._write_new(tx, list(run), told, now)
            else:
                for a in run:
                    ids[a.id] = await self._write_other(tx, a, told, now)
        return ids

    async def _write_new(
        self, tx: Connection, run: list[Arrival], told: _Group, now: datetime
    ) -> dict[UUID, Accepted]:
        written = await ingest.write(tx, run, now)
        new = [a for a in run if a.id in written.fresh]
        told.fresh += new
        told.receipts += written.ended
        if written.early:
            for a in await arrivals.early(tx, [a for a in new if a.id in written.early]):
                await self._concern(tx, a, now)
        ids = {a.id: Accepted(a.id, new=True) for a in new}
        if len(new) < len(run):
            again = [a for a in run if a.id not in written.fresh]
            rows = await arrivals.known(tx, again)
            ids |= {
                a.id: Accepted(rows.get((a.item.account_id, a.whom.identity_id, a.digest)), new=False)
                for a in again
            }
        return ids

    async def _write_other(self, tx: Connection, a: Arrival, told: _Group, now: datetime) -> Accepted:
        if a.item.from_me and a.item.kind not in _CONCERNING and await self._is_echo(tx, a, told, now):
            return Accepted(None, new=False)
        seq = (await arrivals.insert(tx, [a], now, silent_rule=_CONCERNING.get(a.item.kind))).get(a.id)
        if seq is None:
            return Accepted(None, new=False)
        told.fresh.append(a)
        if a.item.kind in (Kind.EDIT, Kind.DELETION):
            await self._concern(tx, a, now)
        elif a.item.from_me and a.item.kind is not Kind.REACTION:
            await self._owner_spoke(tx, a, seq, told, now)
        return Accepted(a.id, new=True)

    async def _concern(self, tx: Connection, a: Arrival, now: datetime) -> None:
        """Apply an edit or a deletion to the message that it is about."""
        apply = arrivals.edit if a.item.kind is Kind.EDIT else arrivals.delete
        await arrivals.set_rule(tx, a.id, await apply(tx, self._ledger.vault, a, now))

    async def _is_echo(self, tx: Connection, a: Arrival, told: _Group, now: datetime) -> bool:
        """Our own send coming back is settled by it and is nobody's word."""
        receipts = await settling.settle_by_word(
            tx,
            self._ledger.vault,
            a.item.account_id,
            callback=a.item.callback,
            conversation_id=a.whom.conversation_id,
            text=a.item.text,
            result=Sent(a.item.provider_id),
            now=now,
        )
        told.receipts += receipts or []
        return receipts is not None

    async def _owner_spoke(self, tx: Connection, a: Arrival, seq: int, told: _Group, now: datetime) -> None:
        told.receipts += await arrivals.owner_spoke(tx, a, seq, now)
        length = a.account.profile.owner_word_pause
        if length is not None:
            until = await arrivals.pause_for_owner(tx, a.whom.contact_id, now, length)
            told.pauses.append(PauseEvent("pause.started", a.whom.contact_id, until, PauseReason.OWNER_WORD))

    async def learn_status(self, update: StatusUpdate) -> None:
        """A provider's later word about one of ours: settles what was uncertain, moves the ticks."""
        now = self._clock.now()
        async with self._ledger.transaction(ears=True) as tx:
            receipts = await settling.settle_by_status(tx, self._ledger.vault, update, now)
        self._effects.settled(receipts, now)

    async def learn_statuses(self, updates: Sequence[StatusUpdate]) -> None:
        """Many such words as one transaction; those about messages that are not ours change nothing."""
        if not updates:
            return
        now = self._clock.now()
        async with self._ledger.transaction(ears=True) as tx:
            receipts = await statuses.settle(tx, self._ledger.vault, updates, now)
        self._effects.settled(receipts, now)

    async def keep_aside(
        self, account_id: str, payload: bytes, error: str, sender: str | None = None
    ) -> None:
        """Keep an item that could not be read, once, so that its batch can go on. `sender` is a keyed address."""
        async with self._ledger.transaction(ears=True) as tx:
            now = self._clock.now()
            vault = self._ledger.vault
            new = await arrivals.keep_aside(tx, vault, account_id, payload, error, now, sender)
        metrics.kept_aside.inc(new)

    async def _tell(self, told: _Group, now: datetime) -> None:
        rows = [{"trace": a.id, "account": a.item.account_id, "kind": a.item.kind} for a in told.fresh]
        log_each("pipeline.inbox", "message.received", rows)
        self._effects.received(told.fresh, now)
        self._effects.paused(told.pauses, now)
        self._effects.settled(told.receipts, now)


def _cache_key(address: people.Address) -> _Key:
    """Somebody known without a name, or by one address alone, is looked up again when more of them comes."""
    return address.account.id, address.key, address.also_key, address.name is not None


def _is_simple(a: Arrival) -> bool:
    return not a.item.from_me and a.item.kind not in _CONCERNING
