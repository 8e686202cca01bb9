"""How fast a provider lets an account speak: asked before the fence, so that nothing waits with its intent committed.

Kept by this process for itself; where several gateways speak for one account, the provider's own no is the limit.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from secondme.stores.ledger.deliveries import Ready

_REMEMBERED = 50_000  # contacts; the longest unused is forgotten


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages a second for long, and so many at once."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Pace:
    """What a provider allows one account: in all, and to one contact."""

    account: Rate
    contact: Rate


def metas(per_second: int) -> Pace:
    """Meta's pace for a number of that throughput; to one person one in six seconds, 45 of which may go at once.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
    """
    return Pace(account=Rate(per_second, per_second), contact=Rate(1 / 6, 45))


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    left: float
    at: datetime

    def wait(self, now: datetime) -> float:
        """Seconds until there is room for one more; fills up to now. A clock set back fills nothing."""
        passed = max(0.0, (now - self.at).total_seconds())
        self.left = min(float(self.rate.burst), self.left + passed * self.rate.per_second)
        self.at = now
        return max(0.0, (1.0 - self.left) / self.rate.per_second)


@dataclass(slots=True)
class Limits:
    """Token buckets, one an account and one a contact of it. Accounts without a pace are not limited."""

    paces: Mapping[str, Pace]
    _accounts: dict[str, _Bucket] = field(default_factory=dict)
    _contacts: OrderedDict[tuple[str, UUID], _Bucket] = field(default_factory=OrderedDict)
    _full: dict[str | UUID, tuple[datetime, datetime]] = field(default_factory=dict)  # found when, until when

    def take(self, account_id: str, contact_id: UUID, now: datetime) -> datetime | None:
        """Room for one message now: taken, and None; or the moment to ask again, and nothing taken."""
        pace = self.paces.get(account_id)
        if pace is None:
            return None
        buckets = (self._account(account_id, pace, now), self._contact((account_id, contact_id), pace, now))
        seconds = max(bucket.wait(now) for bucket in buckets)
        if seconds > 0:
            return now + timedelta(milliseconds=math.ceil(seconds * 1000))
        for bucket in buckets:
            bucket.left -= 1.0
        return None

    def room(self, ready: Sequence[Ready], now: datetime) -> list[Ready]:
        """Those that may go now; the others are `waiting`. Ticks and typing are no messages and may."""
        may = []
        for delivery in ready:
            account_id, contact_id = delivery.account_id, delivery.contact_id
            wait = self.take(account_id, contact_id, now) if delivery.kind.speaks else None
            if wait is None:
                may.append(delivery)
            elif self._contacts[account_id, contact_id].left < 1.0:
                self._full[delivery.conversation_id] = now, wait
            else:
                self._full[account_id] = now, wait
        return may

    def give_back(self, delivery: Ready) -> None:
        """What had room and did not leave after all has taken none."""
        if not delivery.kind.speaks or delivery.account_id not in self.paces:
            return
        contact = self._contacts.get((delivery.account_id, delivery.contact_id))
        for bucket in filter(None, (self._accounts.get(delivery.account_id), contact)):
            bucket.left = min(float(bucket.rate.burst), bucket.left + 1.0)
        self._full.clear()  # whoever finds no room all the same is back there at once

    def waiting(self, now: datetime) -> dict[str | UUID, datetime]:
        """Accounts and conversations that found no room, each with the moment at which to ask again.

        Whoever looks for what is ready leaves them out, so that what waits does not hide what need not.
        """
        self._full = {
            who: (found, until) for who, (found, until) in self._full.items() if found <= now < until
        }
        return {who: until for who, (_, until) in self._full.items()}

    def _account(self, account_id: str, pace: Pace, now: datetime) -> _Bucket:
        return self._accounts.setdefault(account_id, _Bucket(pace.account, pace.account.burst, now))

    def _contact(self, key: tuple[str, UUID], pace: Pace, now: datetime) -> _Bucket:
        bucket = self._contacts.setdefault(key, _Bucket(pace.contact, pace.contact.burst, now))
        self._contacts.move_to_end(key)
        if len(self._contacts) > _REMEMBERED:
            self._contacts.popitem(last=False)
        return bucket
