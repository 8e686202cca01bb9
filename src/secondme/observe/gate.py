"""A breaker at work: it stands before one service outside, has a clock, and is seen in `/health` and the metrics."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto

from secondme.domain.breaker import Breaker, State
from secondme.domain.errors import SecondMeError
from secondme.observe import metrics


class Blame(Enum):
    """What an error says of the service that was asked."""

    SERVICE = auto()  # it failed
    NOT_SERVICE = auto()  # it is well: the fault lies with what it was asked, or with our settings
    NOBODY = auto()  # nothing: nobody waited for its answer


class Shut(SecondMeError):
    """The service failed too often and is left alone. `seconds`: until the next ask has a chance."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"It failed too often and is left alone for {seconds:.0f} s.")
        self.seconds = seconds


class Gate:
    """The breaker of one service as this process sees it. Every ask passes `asking`."""

    def __init__(self, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`service`: its label in `/health` and in the metrics; `clock` never goes back."""
        self.service = service
        self.clock = clock
        self.fault: str | None = None  # how the last ask failed; None where the service was well
        self._breaker = Breaker()
        metrics.watch_breaker(service, self.state)

    def state(self) -> State:
        return self._breaker.state(self.clock())

    @contextmanager
    def asking(self, blame: Callable[[BaseException], Blame]) -> Iterator[None]:
        """Around one ask; `blame` reads the error that it ended with. Raises Shut, before anything is asked.

        An error may carry `retry_after`: the seconds for which the service asked to be left alone.
        """
        ticket = self._breaker.admit(self.clock())
        if ticket is None:
            raise Shut(self._breaker.passes_in(self.clock()))
        try:
            yield
        except BaseException as error:
            match blame(error):
                case Blame.SERVICE:
                    self.fault = str(error)
                    self._breaker.failed(ticket, self.clock(), getattr(error, "retry_after", None))
                case Blame.NOT_SERVICE:
                    self.fault = None
                    self._breaker.succeeded(ticket)
                case Blame.NOBODY:
                    self._breaker.abandoned(ticket)
            raise
        self.fault = None
        self._breaker.succeeded(ticket)
