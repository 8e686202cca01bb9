"""A chain of minds: the next is asked when one fails. What wraps minds is a mind."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pydantic import BaseModel

from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.llm.guarded import Guarded
from secondme.ports import Extraction, Question

TOTAL = 90.0  # seconds for the whole chain: a lease is renewed so long as a mind works, so something else must end it


class ChainFailed(MindFailed):
    """Every mind of a chain failed; the message has each with its cause."""

    def __init__(self, failures: Sequence[MindFailed]) -> None:
        super().__init__(" ".join(str(failure) for failure in failures))
        self.cause = failures[-1].cause
        self.tokens = sum(failure.tokens for failure in failures)
        self.final = all(failure.final for failure in failures)
        self.again_in = min(failure.again_in for failure in failures)


class Fallback:
    """A FullMind over several: the first that gives a usable answer. It never falls through to the offline mind."""

    def __init__(self, minds: Sequence[Guarded], *, total: float = TOTAL) -> None:
        """`total`: seconds for all of them together."""
        self.name = ", else ".join(mind.name for mind in minds)
        self._minds = minds
        self._total = total

    async def complete(self, turn: Turn) -> Draft:
        draft, lost = await self._first(lambda mind, ends: mind.complete(turn, ends))
        return replace(draft, tokens=draft.tokens + lost)

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        found, lost = await self._first(lambda mind, ends: mind.extract(schema, question, ends))
        return replace(found, tokens=found.tokens + lost)

    async def close(self) -> None:
        for mind in self._minds:
            await mind.close()

    async def _first[R](self, ask: Callable[[Guarded, float], Awaitable[R]]) -> tuple[R, int]:
        """The first answer, and the tokens that those before it cost. Raises ChainFailed."""
        failures: list[MindFailed] = []
        clock = asyncio.get_running_loop().time
        ends = clock() + self._total
        for mind in self._minds:
            try:
                return await ask(mind, ends), sum(failure.tokens for failure in failures)
            except MindFailed as error:
                failures.append(error)
            if clock() >= ends:
                break
        raise ChainFailed(failures) if len(failures) > 1 else failures[0]
