"""The ears: what channels hand over becomes durable here, once, in grouped commits."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, islice

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.domain.message import Accepted, Inbound
from secondme.domain.profile import Account
from secondme.failpoints import failpoint
from secondme.observe import metrics
from secondme.observe.logs import get_logger, log_each
from secondme.pipeline.effects import Effects
from secondme.pipeline.together import Together
from secondme.pipeline.writing import Group, Key, write_known, write_runs
from secondme.ports import Clock
from secondme.stores.ledger import Connection, Ledger, arrivals, aside, people, statuses, tombstones
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.aside import Aside

log = get_logger(__name__)
_GROUP = 500
_REMEMBERED = 50_000  # people whose place is known without asking
# Errors that lie in the item itself; anything else is ours or passes, and the provider delivers again.
# A contact's key that does not open is the item's: it is damaged, or its ring is gone, and nobody else's is.
_POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,
    OverflowError,
    ConfigError,
    InvalidTag,
)


class Inbox:
    """Groups what arrives within a moment into one transaction; two at once, about different people."""

    def __init__(
        self, ledger: Ledger, accounts: Mapping[str, Account], effects: Effects, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._effects = effects
        self._clock = clock
        self._arriving = Together[Sequence[Inbound], list[Accepted]](
            self._take, most=_GROUP, size=len, about=_people
        )
        self._known: dict[Key, people.Whom] = {}
        self._moved = 0  # how often a number had moved when they were met
        self._statuses = Together[StatusUpdate, None](self._learn)

    async def accept(self, items: Sequence[Inbound]) -> list[Accepted]:
        """Make every item durable, or raise and make none of them so. Returns after the commit, in order.

        Raises StoreUnavailable when the ledger does not answer: the provider will deliver again.
        """
        return await self._arriving(items) if items else []

    async def _take(self, bodies: Sequence[Sequence[Inbound]]) -> list[list[Accepted] | BaseException]:
        """What arrived together, written as one group."""
        written = iter(await self._write_each(list(chain.from_iterable(bodies))))
        return [list(islice(written, len(items))) for items in bodies]

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
        now, told = self._clock.now(), Group()
        with metrics.timed("accept"):
            accepted = await self._write_known(items, told, now) or await self._write_any(items, told, now)
        failpoint("inbox.committed")
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        if told.moved == self._moved:  # else what was found may be from before a number moved
            self._known.update(told.met)
        self._tell(told, now)
        return accepted

    async def _write_known(self, items: list[Inbound], told: Group, now: datetime) -> list[Accepted] | None:
        """Nothing but new messages of people who are known, as nearly always; None where it takes more than that."""
        moved, found = self._moved, [self._known.get(self._key(item)) for item in items]
        whom = [one for one in found if one is not None]
        if len(whom) < len(items):
            return None
        batch = self._arrivals(items, whom)
        async with self._ledger.single(ears=True) as single:
            ids = await write_known(single, batch, told, now, moved)
        return None if ids is None else [ids[a.id] for a in batch]

    async def _write_any(self, items: list[Inbound], told: Group, now: datetime) -> list[Accepted]:
        async with self._ledger.transaction(ears=True) as tx:
            found = await self._meet(tx, items, told, now)
            met = [(item, whom) for item, whom in zip(items, found, strict=True) if whom]
            batch = self._arrivals([item for item, _ in met], [whom for _, whom in met])
            ids = await write_runs(tx, self._ledger.vault, batch, told, now)
        written = iter(batch)
        return [ids[next(written).id] if whom else Accepted(None, new=False) for whom in found]

    async def _meet(
        self, tx: Connection, items: list[Inbound], told: Group, now: datetime
    ) -> list[people.Whom | None]:
        """Where each item leads; None for what was erased, or has been said before by somebody known by less."""
        where = [self._address(item) for item in items]
        # First of all: whoever is being forgotten, or is losing a number, is waited for. Their tombstones stand then.
        await people.lock(tx, where)
        buried = await self._buried(tx, items, where, told, now)
        living = [(self._key(item), one) for item, one in zip(items, where, strict=True)]
        whom = iter(
            await self._whom(
                tx, [one for one, gone in zip(living, buried, strict=True) if not gone], told, now
            )
        )
        found = [None if gone else next(whom) for gone in buried]
        if any(also for _, _, also, _ in told.met):  # two may just have turned out to be one
            buried = await self._erased(tx, items, where, now)
        return [None if gone else one for one, gone in zip(found, buried, strict=True)]

    def _arrivals(self, items: list[Inbound], whom: Sequence[people.Whom]) -> list[Arrival]:
        vault, accounts = self._ledger.vault, self._accounts
        return [
            arrivals.arrival(vault, item, accounts[item.account_id], one)
            for item, one in zip(items, whom, strict=True)
        ]

    async def _whom(
        self, tx: Connection, living: Sequence[tuple[Key, people.Address]], told: Group, now: datetime
    ) -> list[people.Whom]:
        """Where each leads; ids made here are remembered only after the commit."""
        known = {
            key: self._known[key] for key, _ in living if key in self._known
        }  # another group may forget them
        missing = {key: one for key, one in living if key not in known}
        if any(also for _, _, also, _ in missing):  # a number may move with this very group
            missing = dict(living)
        if missing:
            made = await people.meet(tx, self._ledger.vault, list(missing.values()), now)
            told.met = dict(zip(missing, made, strict=True))
        return [told.met.get(key) or known[key] for key, _ in living]

    def _key(self, item: Inbound) -> Key:
        """Somebody known without a name, or by one address alone, is looked up again when more of them comes."""
        return item.account_id, item.address, item.also, item.name is not None and not item.from_me

    def keyed(self, account_id: str, address: str) -> str:
        """The keyed digest by which an address on that account is known."""
        network = people.network_of(self._accounts[account_id].channel)
        return self._ledger.vault.digest("address", network, address)

    def _address(self, item: Inbound) -> people.Address:
        account, (_, address, also, named) = self._accounts[item.account_id], self._key(item)
        network, name = people.network_of(account.channel), item.name if named else None
        key, also_key = self.keyed(account.id, address), self.keyed(account.id, also) if also else None
        return people.Address(account, network, key, address, name, also, also_key)

    def _sender(self, item: Inbound) -> str | None:
        """The keyed address of an item that could not be written; its address may be what is wrong with it."""
        try:
            return self._address(item).key
        except ValueError:
            return None

    async def _buried(
        self, tx: Connection, items: list[Inbound], where: list[people.Address], told: Group, now: datetime
    ) -> list[bool]:
        """Which items were erased: asked before anybody is met, so that they do not bring their sender back.

        Also forgets who is remembered where a number has moved to somebody else, by whichever process saw it.
        """
        any_buried, moved = await arrivals.signs(tx)
        if moved != self._moved:
            self._known.clear()
            self._moved = moved
        told.moved = moved
        return await self._erased(tx, items, where, now) if any_buried else [False] * len(items)

    async def _erased(
        self, tx: Connection, items: list[Inbound], where: list[people.Address], now: datetime
    ) -> list[bool]:
        vault = self._ledger.vault
        stones = [
            {
                tombstones.tombstone(vault, item.account_id, key, said)
                for key in one.keys
                for said in (vault.digest("message", item.provider_id), item.callback)
                if said
            }
            for item, one in zip(items, where, strict=True)
        ]
        standing = await tombstones.standing(tx, [stone for each in stones for stone in each], now)
        return [not each.isdisjoint(standing) for each in stones]

    async def learn_status(self, update: StatusUpdate) -> None:
        """A provider's later word about one of ours: settles what was uncertain, moves the ticks."""
        await self._statuses(update)

    async def _learn(self, updates: Sequence[StatusUpdate]) -> list[BaseException | None]:
        await self.learn_statuses(updates)
        return [None] * len(updates)

    async def learn_statuses(self, updates: Sequence[StatusUpdate]) -> None:
        """Many such words as one transaction; those about messages that are not ours change nothing.

        One that cannot be written down (what it speaks of is damaged) is passed over, so that the others count and
        the provider does not post it for ever. Raises StoreUnavailable.
        """
        try:
            await self._settle(updates)
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(updates) == 1:
                log.error("status.unusable", error=type(error).__name__, account=updates[0].account_id)
                metrics.webhook_others.labels("status_unusable").inc()
                return
            log.warning("inbox.statuses_refused", error=type(error).__name__, count=len(updates))
            for update in updates:
                await self.learn_statuses([update])

    async def _settle(self, updates: Sequence[StatusUpdate]) -> None:
        if not updates:
            return
        now = self._clock.now()
        async with self._ledger.transaction(ears=True) as tx:
            receipts, news = await statuses.settle(tx, self._ledger.vault, updates, now)
        _tell_statuses(news)
        self._effects.settled(receipts, now)

    async def keep_aside(
        self, account_id: str, payload: bytes, error: str, sender: str | None = None
    ) -> None:
        """Keep an item that could not be read, once, so that its batch can go on. `sender` is a keyed address."""
        await self.keep_all_aside([Aside(account_id, payload, error, sender)])

    async def keep_all_aside(self, items: Sequence[Aside]) -> None:
        """Many such items, in one transaction. Raises StoreUnavailable."""
        if not items:
            return
        async with self._ledger.transaction(ears=True) as tx:
            new = await aside.keep(tx, self._ledger.vault, items, self._clock.now())
        metrics.kept_aside.inc(new)

    def _tell(self, told: Group, now: datetime) -> None:
        rows = [{"trace": a.id, "account": a.item.account_id, "kind": a.item.kind} for a in told.fresh]
        log_each("pipeline.inbox", "message.received", rows)
        self._effects.received(told.fresh, now)
        self._effects.paused(told.pauses, now)
        self._effects.settled(told.receipts, now)


def _tell_statuses(news: Sequence[statuses.News]) -> None:
    """A line for each, by the message that was answered: what failed after all is a warning and says why."""
    rows = []
    for one in news:
        row = {"trace": one.message_id, "delivery_id": one.delivery_id, "status": one.update.progress}
        if one.update.progress == "failed":
            log.warning("delivery.status", **row, rule=one.update.rule)
        else:
            rows.append(row)
    log_each("pipeline.inbox", "delivery.status", rows)


def _people(items: Sequence[Inbound]) -> set[tuple[str, str]]:
    """By which addresses whom these are about is known; what concerns somebody is written in the order of arrival."""
    return {(item.account_id, address) for item in items for address in (item.address, item.also) if address}
