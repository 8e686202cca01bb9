"""A mind behind a breaker: what fails again and again is left alone for a while. What wraps a mind is a mind."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from secondme.domain.breaker import Breaker, Ticket
from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.llm.prompts import rough_tokens
from secondme.llm.wire import WireFailed
from secondme.observe import metrics
from secondme.ports import Extraction, Extractor, Mind, Question, Spent

# The service is well: it was the talk, or our own settings, that it could do nothing with.
_NOT_ITS_FAULT = frozenset({"refused", "truncated", "misfit", "closed"})
_SOON = 3.0  # seconds after which a probe has usually been answered


class FullMind(Mind, Extractor, Protocol):
    """A mind that both drafts and fills in forms."""


class Guarded:
    """A FullMind that asks another one only while its breaker lets it."""

    def __init__(
        self,
        mind: FullMind,
        breaker: Breaker,
        note: Callable[[Spent], None] = lambda spent: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`note` is told what every ask used, however it ended."""
        self.name = mind.name
        self.breaker = breaker
        self._mind = mind
        self._note = note
        self._clock = clock
        metrics.watch_breaker(self.name, lambda: breaker.state(clock()))

    async def complete(self, turn: Turn) -> Draft:
        return await self._guarded(lambda: self._mind.complete(turn), turn.contact.id, rough_tokens(turn))

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        tokens = sum(map(len, question.material)) // 3
        return await self._guarded(lambda: self._mind.extract(schema, question), question.contact_id, tokens)

    async def close(self) -> None:
        await self._mind.close()

    async def _guarded[R: Draft | Extraction[Any]](
        self, ask: Callable[[], Awaitable[R]], contact: UUID | None, sent: int
    ) -> R:
        """Ask, and tell how it went. `sent`: about how many tokens, which count where nobody waits for the figures.

        Raises MindFailed, at once while the mind is left alone.
        """
        ticket = self.breaker.admit(self._clock())
        if ticket is None:
            raise self._left_alone()
        try:
            answer = await ask()
        except MindFailed as error:
            self._failed(ticket, error, contact, sent)
            raise
        except BaseException:
            self.breaker.abandoned(ticket)
            self._note(Spent(self.name, contact, sent, failed=True))
            raise
        self.breaker.succeeded(ticket)
        metrics.model_asks.labels(self.name, "ok").inc()
        self._note(Spent(self.name, contact, answer.tokens, answer.cached_tokens))
        return answer

    def _failed(self, ticket: Ticket, error: MindFailed, contact: UUID | None, sent: int) -> None:
        metrics.model_asks.labels(self.name, error.cause).inc()
        if error.cause in _NOT_ITS_FAULT:
            self.breaker.succeeded(ticket)
        else:
            self.breaker.failed(ticket, self._clock(), getattr(error, "retry_after", None))
        used = error.tokens or (sent if error.cause == "timeout" else 0)
        self._note(Spent(self.name, contact, used, failed=True))

    def _left_alone(self) -> WireFailed:
        wait = max(self.breaker.passes_in(self._clock()), _SOON)
        metrics.model_asks.labels(self.name, "open").inc()
        error = WireFailed(self.name, "open", f"failed too often and is left alone for {wait:.0f} s.")
        error.again_in = wait
        return error
