"""What minds have used today, as the ledger knows it, and what is under way and not written down yet."""

import asyncio
import time
from collections import Counter
from datetime import date, datetime
from datetime import time as clock_time
from uuid import UUID
from zoneinfo import ZoneInfo

from secondme.domain.errors import StoreUnavailable
from secondme.observe.logs import get_logger
from secondme.ports import Clock, Spent, Usage

log = get_logger(__name__)
_LOOKS_EVERY = 2.0  # seconds that figures of the ledger are trusted: what other processes use is seen then
_MOST_KNOWN = 10_000  # contacts whose figures are kept


class Purse:
    """Tokens of one day. `None` in place of a contact means everybody together."""

    def __init__(self, usage: Usage, clock: Clock, zone: ZoneInfo) -> None:
        """`zone`: the owner's, whose midnight begins a day."""
        self._usage = usage
        self._clock = clock
        self._zone = zone
        self._day = self.today()
        self._known: dict[UUID | None, tuple[int, float]] = {}  # tokens, and when they were read
        self._under_way: Counter[UUID | None] = Counter()
        self._owed: list[Spent] = []
        self._busy = asyncio.Lock()
        self._changed = asyncio.Event()

    def today(self) -> date:
        return self._clock.now().astimezone(self._zone).date()

    async def look(self, contact: UUID | None) -> None:
        """Read the figures that are too old. Raises StoreUnavailable: nobody knows then what may be used."""
        async with self._busy:
            self._turn_the_page()
            fresh = time.monotonic() - _LOOKS_EVERY
            if all(self._known.get(who, (0, 0.0))[1] > fresh for who in (None, contact)):
                return
            everybody, theirs = await self._usage.used(self._day, contact)
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            now = time.monotonic()
            self._known[contact] = (theirs, now)
            self._known[None] = (everybody, now)

    def used(self, contact: UUID | None) -> int:
        """Tokens used today, as far as they are known."""
        owed = sum(one.tokens for one in self._owed if contact in (None, one.contact_id))
        return self._known.get(contact, (0, 0.0))[0] + owed

    def under_way(self, contact: UUID | None) -> int:
        """Tokens that asks under way may use."""
        return self._under_way[contact]

    def promise(self, contact: UUID | None, tokens: int) -> None:
        """An ask begins that may use so much."""
        for who in {contact, None}:
            self._under_way[who] += tokens

    def release(self, contact: UUID | None, tokens: int) -> None:
        """It has ended; what it used was owed before."""
        for who in {contact, None}:
            self._under_way[who] -= tokens
            if not self._under_way[who]:
                del self._under_way[who]
        self._changed.set()

    async def changed(self, ends: float) -> bool:
        """Wait until an ask ends; False at `ends`, a moment of `time.monotonic()`."""
        self._changed.clear()
        try:
            async with asyncio.timeout(max(ends - time.monotonic(), 0)):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def owe(self, spent: Spent) -> None:
        """Count what an ask used; it is written down with the next payment."""
        self._owed.append(spent)

    async def pay(self) -> None:
        """Write down what is owed. A ledger that does not answer gets it next time."""
        async with self._busy:
            self._turn_the_page()
            paying = list(self._owed)
            if not paying:
                return
            try:
                await self._usage.record(self._day, paying)
            except StoreUnavailable:
                log.warning("usage.not_recorded", count=len(paying))
                return
            del self._owed[: len(paying)]
            for one in paying:
                for who in {one.contact_id, None}:
                    if who in self._known:
                        tokens, at = self._known[who]
                        self._known[who] = (tokens + one.tokens, at)

    async def handed_over(self, contact: UUID) -> bool:
        """Whether the contact was told today that a person takes over. Raises StoreUnavailable."""
        midnight = datetime.combine(self.today(), clock_time(), self._zone)
        return await self._usage.handed_over(contact, midnight)

    def _turn_the_page(self) -> None:
        if self._day != (today := self.today()):
            self._day = today
            self._known.clear()
