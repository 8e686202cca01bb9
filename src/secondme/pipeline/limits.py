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


# https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput: 80 a second and number; to one
# person one in six seconds, of which up to 45 may be spent at once.
META = Pace(account=Rate(80, 80), contact=Rate(1 / 6, 45))


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

    def room(self, ready: Sequence[Ready], now: datetime) -> tuple[list[Ready], list[datetime]]:
        """Those that may go now, and when to ask again for the others. Ticks and typing are no messages and may."""
        may, later = [], []
        for delivery in ready:
            speaks = delivery.kind.speaks
            wait = self.take(delivery.account_id, delivery.contact_id, now) if speaks else None
            if wait is None:
                may.append(delivery)
            else:
                later.append(wait)
        return may, later

    def _account(self, account_id: str, pace: Pace, now: datetime) -> _Bucket:
        return self._accounts.setdefault(account_id, _Bucket(pace.account, pace.account.burst, now))

    def _contact(self, key: tuple[str, UUID], pace: Pace, now: datetime) -> _Bucket:
        bucket = self._contacts.setdefault(key, _Bucket(pace.contact, pace.contact.burst, now))
        self._contacts.move_to_end(key)
        if len(self._contacts) > _REMEMBERED:
            self._contacts.popitem(last=False)
        return bucket
