"""A circuit breaker: leaves alone for a while what fails again and again. No I/O; moments are handed in."""

from dataclasses import dataclass
from enum import StrEnum

FAILURES = 5  # in a row that open it
REST = 30.0  # seconds until one probe may pass
LONGEST_REST = 3600.0  # seconds; a service that asks for more is probed all the same


class State(StrEnum):
    """What a breaker lets pass: everything, nothing, or one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to ask once. A result counts only while the period in which it was given goes on."""

    period: int


class Breaker:
    """One service as one process sees it. Moments are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until: float | None = None
        self._probe_until: float | None = None  # when a probe that never ends is given up
        self._period = 0

    def state(self, now: float) -> State:
        if self._open_until is None:
            return State.CLOSED
        return State.OPEN if now < self._open_until else State.HALF_OPEN

    def admit(self, now: float) -> Ticket | None:
        """Leave to ask, or None: leave it alone. Whoever has a ticket hands it back by one of the three below."""
        state = self.state(now)
        if state is State.OPEN or (self._probe_until is not None and now < self._probe_until):
            return None
        if state is State.HALF_OPEN:
            self._period += 1
            self._probe_until = now + REST
        return Ticket(self._period)

    def succeeded(self, ticket: Ticket) -> None:
        """It answered: whatever was held against it is forgotten."""
        if ticket.period == self._period:
            self._failures = 0
            self._open_until = self._probe_until = None

    def failed(self, ticket: Ticket, now: float, retry_after: float | None = None) -> None:
        """It did not. `retry_after`: seconds for which it asked to be left alone, which opens at once."""
        if retry_after is not None:
            self._open(now, min(max(retry_after, 0.0), LONGEST_REST))
        elif ticket.period == self._period:
            self._failures += 1
            if self._probe_until is not None or self._failures >= FAILURES:
                self._open(now, REST)

    def abandoned(self, ticket: Ticket) -> None:
        """Nobody waited for the answer: it says nothing, and the next may probe."""
        if ticket.period == self._period:
            self._probe_until = None

    def passes_in(self, now: float) -> float:
        """Seconds until the next ask has a chance; 0 when it may go now."""
        until = max(self._open_until or 0.0, self._probe_until or 0.0)
        return max(until - now, 0.0)

    def _open(self, now: float, rest: float) -> None:
        self._open_until = max(self._open_until or 0.0, now + rest)
        self._probe_until = None
        self._failures = 0
        self._period += 1
