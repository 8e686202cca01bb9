"""Models behind breakers: what fails again and again is left alone for a while. What wraps a mind is a mind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from secondme.domain.breaker import REST, State
from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.llm.prompts import rough_tokens
from secondme.llm.wire import WireFailed
from secondme.observe import metrics
from secondme.observe.gate import Blame, Gate, Shut
from secondme.ports import Embedder, Extraction, Extractor, Mind, Question, Spent

# The service is well: it was the talk, this request, or our own settings, that it could do nothing with.
_NOT_ITS_FAULT = frozenset(
    {"refused", "too_long", "request", "truncated", "overlong", "misfit", "dimension", "closed"}
)
_EMPTY = "empty"
_SHUT = "open"  # the cause of what was not asked at all
_SOON = 3.0  # seconds after which a probe has usually been answered


class FullMind(Mind, Extractor, Protocol):
    """A mind that both drafts and fills in forms."""


class Guarded:
    """A FullMind that asks another one only while its breaker lets it."""

    def __init__(
        self, mind: FullMind, gate: Gate, note: Callable[[Spent], None] = lambda spent: None
    ) -> None:
        """`note` is told what every ask used, however it ended."""
        self.name = mind.name
        self._mind = mind
        self._gate = gate
        self._note = note
        self._emptied = set[UUID | None]()  # to whom it has said nothing since it was last well
        self._last: UUID | None = None  # whose probe came back empty,
        self._others_until = 0.0  # and until when everybody else's goes before theirs

    async def complete(self, turn: Turn, ends: float | None = None) -> Draft:
        """`ends`: the loop's time at which whoever asks gives up, which is held against a mind that is still at it."""
        ask = self._in_time(lambda: self._mind.complete(turn), ends)
        return await self._noted(ask, turn.contact.id, rough_tokens(turn))

    async def extract[T: BaseModel](
        self, schema: type[T], question: Question, ends: float | None = None
    ) -> Extraction[T]:
        """`ends` as for `complete`."""
        ask = self._in_time(lambda: self._mind.extract(schema, question), ends)
        return await self._noted(ask, question.contact_id, sum(map(len, question.material)) // 3)

    async def close(self) -> None:
        await self._mind.close()

    def _in_time[R](self, ask: Callable[[], Awaitable[R]], ends: float | None) -> Callable[[], Awaitable[R]]:
        """The ask, as a MindFailed once its time is over: a mere cancellation is held against nobody."""

        async def timed() -> R:
            try:
                async with asyncio.timeout_at(ends):
                    return await ask()
            except TimeoutError:
                said = "had not answered when the time for the whole chain was over."
                raise WireFailed(self.name, "timeout", said) from None

        return timed

    async def _noted[R: Draft | Extraction[Any]](
        self, ask: Callable[[], Awaitable[R]], contact: UUID | None, sent: int
    ) -> R:
        """Ask, and tell what it used. `sent`: about how many tokens, which count where nobody waits for the figures.

        Raises MindFailed, at once while the mind is left alone.
        """
        try:
            answer = await _asked(self._asking(contact), self.name, ask)
        except MindFailed as error:
            if error.cause != _SHUT:
                used = error.tokens or (sent if error.cause == "timeout" else 0)
                self._note(Spent(self.name, contact, used, failed=True))
            raise
        except BaseException:
            self._note(Spent(self.name, contact, sent, failed=True))
            raise
        self._emptied.clear()
        self._note(Spent(self.name, contact, answer.tokens, answer.cached_tokens))
        return answer

    @contextmanager
    def _asking(self, contact: UUID | None) -> Iterator[None]:
        """The gate, which is shut for whose probe came back empty as long as others are to try."""
        wait = self._others_until - self._gate.clock()
        if contact == self._last and wait > 0 and self._gate.state() is State.HALF_OPEN:
            raise Shut(wait)
        with self._gate.asking(partial(self._blame, contact)):
            yield

    def _blame(self, contact: UUID | None, error: BaseException) -> Blame:
        """An empty answer may have been asked for, by one contact: decision 0021."""
        if not isinstance(error, MindFailed) or error.cause != _EMPTY:
            found = _blame(error)
            if found is Blame.NOT_SERVICE:
                self._emptied.clear()
            return found
        again = contact in self._emptied
        self._emptied.add(contact)
        if self._gate.state() is State.HALF_OPEN:
            self._last, self._others_until = contact, self._gate.clock() + 2 * REST
            return Blame.SERVICE if len(self._emptied) > 1 else Blame.NOBODY
        return Blame.NOBODY if again else Blame.SERVICE


class GuardedEmbedder:
    """A ports.Embedder that asks another one only while its breaker lets it."""

    def __init__(self, embedder: Embedder, gate: Gate) -> None:
        self.name = embedder.name
        self.dimension = embedder.dimension
        self._embedder = embedder
        self._gate = gate

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return await _asked(self._gate.asking(_blame), self.name, lambda: self._embedder.embed(texts))

    async def close(self) -> None:
        await self._embedder.close()


async def _asked[R](asking: AbstractContextManager[None], name: str, ask: Callable[[], Awaitable[R]]) -> R:
    """Ask behind the gate, and count how it went. Raises MindFailed, at once while the model is left alone."""
    try:
        with asking:
            answer = await ask()
    except Shut as shut:
        metrics.model_asks.labels(name, _SHUT).inc()
        wait = max(shut.seconds, _SOON)
        error = WireFailed(name, _SHUT, f"failed too often and is left alone for {wait:.0f} s.")
        error.again_in = wait
        raise error from None
    except MindFailed as error:
        metrics.model_asks.labels(name, error.cause).inc()
        raise
    metrics.model_asks.labels(name, "ok").inc()
    return answer


def _blame(error: BaseException) -> Blame:
    if not isinstance(error, MindFailed):
        return Blame.NOBODY
    return Blame.NOT_SERVICE if error.cause in _NOT_ITS_FAULT else Blame.SERVICE
