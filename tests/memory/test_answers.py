"""An answer in words counts only where it rests on facts that the mind was given."""

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from secondme.domain.errors import MindFailed
from secondme.domain.fact import Fact, Predicate
from secondme.memory.answers import MOST, answer
from secondme.ports import Extraction, Question

SAID = datetime(2026, 1, 30, 9, tzinfo=UTC)


class Filler:
    """Fills in what it was given, and keeps what it was asked."""

    name = "filler"

    def __init__(self, said: str, *facts: int) -> None:
        self.filled = {"answer": said, "facts": facts}
        self.asked: list[Question] = []

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        self.asked.append(question)
        return Extraction(schema.model_validate(self.filled), "a model")

    async def close(self) -> None: ...


def fact(text: str, until: datetime | None = None) -> Fact:
    return Fact(text, Predicate.NOTE, text, "ana", "m1", SAID, SAID, until, 0.9)


async def test_it_names_its_facts_once_each() -> None:
    facts = [fact("one"), fact("two"), fact("three", until=SAID)]
    mind = Filler(" Two and one. ", 2, 1, 2)
    found = await answer(mind, "which?", facts, {"ana": "Ana"})
    assert found is not None
    assert (found.text, found.mind, found.facts) == ("Two and one.", "a model", (facts[1], facts[0]))
    (asked,) = mind.asked
    assert asked.contact_id is None
    assert asked.material == (
        "which?",
        "1: one (told by Ana on 2026-01-30)",
        "2: two (told by Ana on 2026-01-30)",
        "3: three (told by Ana on 2026-01-30, held until 2026-01-30)",
    )


@pytest.mark.parametrize(
    "mind", [Filler("Nobody."), Filler("One.", 1, 3), Filler("One.", 0), Filler("One.", -1), Filler("  ", 1)]
)
async def test_what_rests_on_nothing_or_on_what_was_not_given_is_none(mind: Filler) -> None:
    assert await answer(mind, "which?", [fact("one"), fact("two")], {"ana": "Ana"}) is None


async def test_no_more_than_a_mind_is_shown() -> None:
    """All of it has to fit, or a number could stand for a fact that was left out."""
    facts = [fact("x" * 5_000) for _ in range(MOST + 1)]
    mind = Filler("All.", MOST + 1)
    assert await answer(mind, "?" * 5_000, facts, {"ana": "A" * 500}) is None
    (asked,) = mind.asked
    assert len(asked.material) == MOST + 1
    assert sum(len(piece) + 30 for piece in asked.material) < 24_000


async def test_a_mind_that_fails_is_its_callers_to_bear() -> None:
    class Fails(Filler):
        async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
            raise MindFailed("no")

    with pytest.raises(MindFailed):
        await answer(Fails("One.", 1), "which?", [fact("one")], {"ana": "Ana"})
