"""What the owner has sent by a command: checked against everything that holds a draft back, planned, and waited for.

Nothing is sent here: an order is a plan in the ledger, and leaves by the outbox and its fence like everything else.
"""

import asyncio
import shlex
import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from secondme.domain.address import is_phone, normalise
from secondme.domain.contact import ContactRow
from secondme.domain.delivery import DeliveryKind
from secondme.domain.errors import Ambiguous, Invalid, NotFound, NotSent
from secondme.domain.order import Order
from secondme.domain.profile import Account
from secondme.owner.control import Control
from secondme.pipeline.effects import Effects
from secondme.pipeline.outbox import WINDOW
from secondme.pipeline.switch import Switch
from secondme.ports import Clock
from secondme.stores.ledger import Connection, Ledger, orders, people
from secondme.stores.ledger.orders import Holds, Standing
from secondme.stores.ledger.people import Whom

_POLL = 0.1  # seconds
_OPEN = ("planned", "in_flight")


class Orders:
    """Places orders, from any process that reaches the stores."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[str, Account],
        control: Control,
        switch: Switch,
        effects: Effects,
        clock: Clock,
    ) -> None:
        """`accounts` are those that can carry orders: whose provider has templates and media by id."""
        self._ledger = ledger
        self._accounts = accounts
        self._control = control
        self._switch = switch
        self._effects = effects
        self._clock = clock

    def account(self, wanted: str | None = None) -> Account:
        """The account to send from: the one named, else the only one. Raises NotFound, Ambiguous."""
        if not self._accounts:
            raise NotFound(
                "Templates and media go by Meta's API, and no account here is on it: see"
                " docs/channels/whatsapp_cloud.md."
            )
        if wanted is not None and wanted not in self._accounts:
            raise NotFound(f"No account on Meta's API is called {wanted!r}: {', '.join(self._accounts)}.")
        if wanted is None and len(self._accounts) > 1:
            raise Ambiguous(f"Say from which account, by --account: {', '.join(self._accounts)}.")
        return self._accounts[wanted or next(iter(self._accounts))]

    async def place(self, wanted: str, account: Account, order: Order) -> tuple[UUID, str]:
        """Plan an order to a contact, who may be a number of somebody new if it is a template.

        Returns its id and what the contact is called. Raises NotSent with what holds it back, NotFound, Ambiguous,
        Invalid, StoreUnavailable.
        """
        if await self._switch.held():
            raise NotSent("Not sent: everything is stopped. `secondme resume all` lifts that.")
        row, address = await self._find(wanted, account, order)
        name = (row.name or row.address) if row else address
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            whom = await self._whom(tx, account, row, address, now)
        # In a transaction of its own: somebody new stays, so that they can be enabled.
        async with self._ledger.transaction() as tx:
            _refuse(await orders.holds(tx, whom.conversation_id, now), name, shlex.quote(address), order, now)
            id_ = await orders.place(tx, self._ledger.vault, whom, account.id, order, now)
        self._effects.ordered(id_, whom.contact_id, now)
        return id_, name

    async def _find(self, wanted: str, account: Account, order: Order) -> tuple[ContactRow | None, str]:
        """Their row on that account, or the address of somebody who has none there yet.

        Simulated phones have numbers that may be somebody's: who is known there alone is nobody here.
        """
        try:
            rows = [row for row in await self._control.find(wanted) if row.account_id in self._accounts]
        except NotFound:
            rows = []
        here = next((row for row in rows if row.account_id == account.id), None)
        if here is not None:
            return here, here.address
        address = rows[0].address if rows else _number(wanted)
        if not is_phone(address):
            raise NotSent(
                f"Not sent: account {account.id} knows no number of theirs, and they never wrote to it."
            )
        if order.kind is not DeliveryKind.TEMPLATE:
            raise NotSent(
                f"Not sent: they have not written to account {account.id} within 24 hours, and only a template may"
                " go then."
            )
        return None, address

    async def _whom(
        self, tx: Connection, account: Account, row: ContactRow | None, address: str, now: datetime
    ) -> Whom:
        vault = self._ledger.vault
        if not await orders.serves(tx, account.id):
            raise NotFound(f"Account {account.id} has never been served: start `secondme up` with it first.")
        if row is not None:
            whom = await orders.whom_of(tx, vault, row.conversation_id)
            if whom is None:
                raise NotFound("That contact has just been forgotten.")
            return whom
        network = people.network_of(account.channel)
        key = vault.digest("address", network, address)
        where = people.Address(account, network, key, address, None)
        return (await people.resolve(tx, vault, [where], now))[0]

    async def wait(self, id_: UUID, seconds: float) -> Standing:
        """How the order stands once it has left or cannot, or after so long. Raises NotFound, StoreUnavailable."""
        deadline = time.monotonic() + seconds
        while True:
            async with self._ledger.light() as light:
                found = await orders.standing(light, id_)
            if found is None:
                raise NotFound("The contact was forgotten, and the order with them.")
            if found.status not in _OPEN or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(_POLL)


def _number(wanted: str) -> str:
    """The number of somebody new. Raises NotFound for anything else."""
    try:
        address = normalise(wanted)
    except Invalid:
        address = ""
    if not is_phone(address):
        raise NotFound(
            f"Nobody on Meta's API is called {wanted!r}: list them with `secondme contacts`, or give a number such as"
            " +15550100."
        )
    return address


def _refuse(found: Holds, name: str, typed: str, order: Order, now: datetime) -> None:
    """Raises NotSent with what holds the order back, if anything does. `typed`: the contact, as a command takes it."""
    if found.stopped:
        raise NotSent("Not sent: everything is stopped. `secondme resume all` lifts that.")
    if not found.enabled:
        raise NotSent(
            f"Not sent: {name} is not enabled. Enable them first: `secondme enable {typed}`, and send it again."
        )
    if found.paused:
        raise NotSent(f"Not sent: {name} is paused. `secondme resume {typed}` lifts that.")
    closed = found.last_inbound_at is None or found.last_inbound_at <= now - WINDOW
    if order.kind is not DeliveryKind.TEMPLATE and closed:
        raise NotSent(f"Not sent: {name} has not written within 24 hours, and only a template may go then.")
