"""A mind that asks another one when the first fails. What wraps a mind is a mind."""

from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.ports import Mind


class SecondOpinion:
    """ports.Mind over two others."""

    def __init__(self, first: Mind, second: Mind) -> None:
        self.name = f"{first.name}, else {second.name}"
        self._first = first
        self._second = second

    async def complete(self, turn: Turn) -> Draft:
        """A draft of the first mind that gives one. Raises MindFailed when neither does."""
        try:
            return await self._first.complete(turn)
        except MindFailed:
            return await self._second.complete(turn)

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()
