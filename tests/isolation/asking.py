"""Everybody may be asked at any moment; what a model was given for them is held against what they may hear."""

from collections.abc import Iterable, Sequence

from tests.isolation.oracle import Oracle
from tests.isolation.prompts import missing, taken_apart, violations
from tests.isolation.telling import Tally
from tests.isolation.words import Words
from tests.isolation.world import Instance

_AT_ONCE = 40  # questions
_TRIES = 4  # a second apart


class Asking:
    """The product, the oracle that is told the same, and the prompts that follow."""

    def __init__(self, instance: Instance, tally: Tally) -> None:
        self.world, self.tally = instance, tally
        self.oracle, self.words = Oracle(), Words()
        self.numbers: dict[str, str] = {}  # of those who write, by contact
        self._whose: dict[str, str] = {}  # contact by the mark of a message

    async def hear(self, asks: Iterable[tuple[str, str]]) -> None:
        """(contact, what they ask about) each: a question by name, whose prompt must also hold what may be heard."""
        left = list(asks)
        while left:
            now, left = left[:_AT_ONCE], left[_AT_ONCE:]
            silent = await self._ask(now)
            for _ in range(_TRIES):
                if silent:  # a busy machine's graph or voice may be late, and is then done without
                    await self.world.awake()
                    silent = await self._ask([one for one, _ in silent])
            self._must_not(line for _, said in silent for line in said)

    async def _ask(self, asks: Sequence[tuple[str, str]]) -> list[tuple[tuple[str, str], list[str]]]:
        marks = [self.words.mark() for _ in asks]
        texts = [f"what about {about}? {mark}" for (_, about), mark in zip(asks, marks, strict=True)]
        for (contact, _), mark, text in zip(asks, marks, texts, strict=True):
            self.line(contact, mark, text)
        await self.world.say(
            [(self.numbers[c], text, False) for (c, _), text in zip(asks, texts, strict=True)]
        )
        lacking = await self.check()
        return [
            (ask, lacking[mark])
            for ask, mark in zip(asks, marks, strict=True)
            if lacking.get(mark, ["no prompt"])
        ]

    async def check(self) -> dict[str, list[str]]:
        """Look at every prompt since the last time. Returns what is missing in each, by the marks that waited.

        Raises AssertionError for what must not be heard.
        """
        lacking: dict[str, list[str]] = {}
        for marks, body in self.world.taken():
            (contact,) = {self._whose[mark] for mark in marks}
            prompt = taken_apart(body, self.words)
            self._must_not(violations(prompt, contact, self.oracle))
            lacks = missing(prompt, contact, self.oracle)
            lacking |= dict.fromkeys(marks, lacks)
            self.tally.prompts += 1
            self.tally.canaries += len(self.words.made)
            self.tally.heard += len(self.oracle.must_be_shown(contact, set(prompt.waiting)))
        return lacking

    def _must_not(self, found: Iterable[str]) -> None:
        if faults := list(found):
            self.tally.faults += faults
            raise AssertionError("\n".join(faults))

    def line(self, contact: str, mark: str, text: str) -> None:
        self._whose[mark] = contact
        self.oracle.lines.setdefault(contact, {})[mark] = self.words.within(text)
