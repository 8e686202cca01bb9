"""The owner's question answered in words, by a mind that is shown the facts that were found and says which it used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, Field

from secondme.domain.fact import Fact
from secondme.ports import Extractor, Question

MOST = 25  # facts that are shown, which together stay below the 24,000 characters that an extraction takes
_LONGEST_QUESTION = 1_000  # characters
_LONGEST_FACT = 700
_LONGEST_ANSWER = 2_000


class Answered(BaseModel):
    """The form: an answer, and the numbers of the facts that bear it out."""

    answer: Annotated[str, Field(max_length=_LONGEST_ANSWER)]
    facts: Annotated[list[int], Field(max_length=MOST)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a mind said, and on which of the facts that it was given it rests: one at least."""

    text: str
    mind: str
    facts: tuple[Fact, ...]


async def answer(
    extractor: Extractor, question: str, facts: Sequence[Fact], tellers: Mapping[str, str]
) -> Answer | None:
    """An answer from the first `MOST` of these facts; `tellers`: how those who told them are called, by id.

    None where the mind finds none, or rests it on a fact that it was not given. On the owner's budget: nobody's
    but the day's. Raises MindFailed.
    """
    given = facts[:MOST]
    lines = [f"{n}: {_line(fact, tellers[fact.teller])}" for n, fact in enumerate(given, 1)]
    found = await extractor.extract(
        Answered, Question(_instructions(), (question[:_LONGEST_QUESTION], *lines))
    )
    text, numbers = found.value.answer.strip(), dict.fromkeys(found.value.facts)
    if not text or not numbers or not all(1 <= n <= len(given) for n in numbers):
        return None
    return Answer(text, found.mind, tuple(given[n - 1] for n in numbers))


def _line(fact: Fact, teller: str) -> str:
    until = f", held until {fact.valid_to:%Y-%m-%d}" if fact.valid_to else ""
    return f"{fact.text[:_LONGEST_FACT]} (told by {teller[:100]} on {fact.said_at:%Y-%m-%d}{until})"


@cache
def _instructions() -> str:
    return (resources.files("secondme.memory") / "prompts" / "answer.md").read_text("utf-8").strip()
