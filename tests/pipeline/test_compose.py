"""What a draft may become: usable parts, and no more messages than anybody would read."""

from collections.abc import Sequence

import pytest

from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Part
from secondme.pipeline.compose import MAX_TEXT, MOST_PARTS, checked
from tests.llm.turns import turn


def messages(parts: Sequence[str], waiting: int = 1) -> int:
    """How many leave, of a draft with these parts."""
    asked = turn(*map(str, range(waiting)))
    draft = Draft(tuple(Part(part, asked.messages[0].id) for part in parts), "a model")
    return len(checked(draft, asked).parts)


def test_ten_messages_are_an_answer() -> None:
    assert messages(["x" * MAX_TEXT * MOST_PARTS]) == MOST_PARTS == 10


@pytest.mark.parametrize(
    "parts",
    [["x" * (MAX_TEXT * MOST_PARTS + 1)], ["word " * 180_000], [" x"] * 11],
    ids=["x", "words", "parts"],
)
def test_more_than_that_is_none(parts: list[str]) -> None:
    with pytest.raises(MindFailed, match="a model gave an answer of more than 10 messages"):
        messages(parts)


def test_each_message_that_waits_may_have_a_part() -> None:
    assert messages(["x"] * 12, waiting=12) == 12
    with pytest.raises(MindFailed):
        messages(["x"] * 13, waiting=12)
