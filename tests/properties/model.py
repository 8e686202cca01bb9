"""What must be answered, in plain words and flags: a second opinion that shares no rule with the product.

It is told what happens, in the order in which it happens. A message that waits while anything stops its contact
has met that stop, for good. Only ends that lie ahead need a clock.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

ANSWER_WITHIN = timedelta(hours=1)
MINUTE = timedelta(seconds=60)
AUTO_PAUSE = timedelta(minutes=60)
PLAN_LIVES = timedelta(minutes=2)
LIMIT = 10  # messages a minute


class Must(Enum):
    """Whether a message is answered."""

    YES = "must be answered"
    NO = "must not be answered"
    MAY = "a clock set back leaves it open, and silence is never wrong"


@dataclass
class Stop:
    """Something that stops one contact, or everybody (None)."""

    who: str | None
    until: datetime | None
    lifted_at: datetime | None = None

    def ended_at(self) -> datetime | None:
        ends = [moment for moment in (self.until, self.lifted_at) if moment]
        return min(ends) if self.lifted_at and ends else None


@dataclass
class Said:
    """A message that waits."""

    who: str
    arrived: datetime
    surely: int  # messages of this contact in the minute up to it, at least
    perhaps: int  # at most
    met: bool = False
    open: bool = False  # nobody can say whether it met a stop that was about to end
    planned: bool = False  # an answer is on its way: it may be late by as much as a plan lives


@dataclass
class Model:
    """`slack` is how far the clock that the product reads may be from the one that the model is told."""

    slack: timedelta = timedelta(0)
    enabled: dict[str, bool | None] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    waiting: dict[Hashable, Said] = field(default_factory=dict)
    arrivals: dict[str, list[datetime]] = field(default_factory=dict)

    def stopped(self, who: str, now: datetime) -> bool | None:
        """Whether anything stops this contact now; None when it ends within the slack."""
        running = [s for s in self.stops if s.who in (who, None) and s.lifted_at is None]
        if any(s.until is None or now < s.until - self.slack for s in running):
            return True
        return None if any(s.until and now < s.until + self.slack for s in running) else False

    def state(self, who: str, now: datetime) -> str | None:
        """The state that a contact is in; None when a pause is just ending."""
        if not self.enabled.get(who):
            return "disabled"
        return {True: "paused", False: "enabled", None: None}[self.stopped(who, now)]

    def look(self, now: datetime) -> None:
        """After every event: what waits while it is stopped has met the stop."""
        for said in self.waiting.values():
            stopped = self.stopped(said.who, now)
            said.met = said.met or stopped is True
            said.open = said.open or stopped is None

    def arrive(self, key: Hashable, who: str, now: datetime) -> None:
        times = self.arrivals.setdefault(who, [])
        times.append(now)
        surely = sum(now - MINUTE + self.slack < at <= now for at in times)
        perhaps = sum(at > now - MINUTE - self.slack for at in times)
        self.waiting[key] = Said(who, now, surely, perhaps)
        self.look(now)

    def stop(self, who: str | None, now: datetime, length: timedelta | None) -> None:
        self.stops.append(Stop(who, None if length is None else now + length))
        self.look(now)

    def lift(self, who: str | None, now: datetime) -> None:
        """Whoever lifts a stop lifts all that were made for the same people, and none for others."""
        for stop in self.stops:
            runs = stop.lifted_at is None and (stop.until is None or now < stop.until)
            if stop.who == who and runs:
                stop.lifted_at = now
        self.look(now)

    def must(self, key: Hashable, now: datetime) -> Must:
        said = self.waiting[key]
        if not self.enabled.get(said.who) or said.met:
            return Must.NO
        age = now - said.arrived
        if age > ANSWER_WITHIN + self.slack + (PLAN_LIVES if said.planned else timedelta(0)):
            return Must.NO
        ended = [s.ended_at() for s in self.stops if s.who in (said.who, None)]
        set_back = any(end and min(said.arrived, now) < end + self.slack for end in ended)
        if said.open or set_back or age > ANSWER_WITHIN - self.slack:
            return Must.MAY
        return Must.YES
