"""From a mind's text to parts: few, in order, each with what it answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.llm.replies import split, to_parts, visible
from tests.llm.turns import turn


def answered(text: str, *messages: str) -> list[tuple[str, int, bool]]:
    """(part, place of the message that it answers, whether it quotes it)."""
    found = turn(*messages)
    places = {message.id: number for number, message in enumerate(found.messages)}
    return [(part.text, places[part.answers], part.quote) for part in to_parts(text, found)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one", ["one"]),
        (" one \n", ["one"]),
        ("one\ntwo", ["one\ntwo"]),
        ("one\n\ntwo", ["one", "two"]),
        ("one\r\n \t\r\n\r\ntwo\n\n", ["one", "two"]),
        ("a\n\nb\n\nc", ["a", "b", "c"]),
        ("a\n\nb\n\nc\n\nd\n\ne", ["a", "b", "c\nd\ne"]),
        ("", []),
        ("\n\n \n", []),
    ],
)
def test_parts_are_separated_by_blank_lines(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>secret\n\nplan</think>\n\nSure.", "Sure."),
        ("<Thinking>x</Thinking>Sure.", "Sure."),
        ("<think>never ends", ""),
        ('<message n="1">Sure.</message>', "Sure."),
        ("<example>Sure</example>.", "Sure."),
        ('<fact said="2026-11-20">Sure</fact>.', "Sure."),
        ("<style>Sure</style>.", "Sure."),
        ("I <3 you", "I <3 you"),
        ("I think <b>so</b>", "I think <b>so</b>"),
        ("Well. <think>x</think>", "Well."),
        ("<think>a</reasoning>b</THINK>Sure.", "Sure."),
        ("Well. <think>x</think> Sure. <reasoning>y</reasoning>", "Well. Sure."),
        ("Well. <think>never ends", ""),
        ("They ask, so …</think>\n\nSure.", "Sure."),
        ("<think>a</think>b</think>Sure.", "Sure."),
        ("Nothing is said</Thinking>", ""),
    ],
)
def test_only_what_is_meant_to_be_said_is_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_one_message_is_answered_by_every_part() -> None:
    assert answered("yes\n\nof course", "Coming?") == [("yes", 0, False), ("of course", 0, False)]


def test_a_part_answers_the_message_whose_words_it_shares() -> None:
    assert answered(
        "dinner is at eight\n\nthe car is at the garage",
        "when is dinner?",
        "hello?",
        "where did you leave the car?",
    ) == [("dinner is at eight", 0, True), ("the car is at the garage", 2, False)]


def test_inflections_count_as_the_same_word() -> None:
    assert answered("die Rechnungen kommen morgen", "Wo bleibt die Rechnung?", "Und sonst?")[0][1:] == (
        0,
        True,
    )


def test_a_word_that_every_message_has_decides_little() -> None:
    messages = ("the report about tigers", "the report about horses", "the report about whales")
    assert answered("the report with horses is done", *messages)[0][1] == 1


def test_without_shared_words_one_part_answers_the_last_and_quotes_nothing() -> None:
    assert answered("ok!", "First thing", "Second thing", "Third thing") == [("ok!", 2, False)]


def test_without_shared_words_parts_spread_in_order() -> None:
    assert [place for _, place, _ in answered("ja\n\nnö\n\nok", "aaa?", "bbb?", "ccc?")] == [0, 1, 2]


def test_parts_never_answer_out_of_order() -> None:
    """The second part shares words with the first message alone; a reply may not jump back."""
    places = [place for _, place, _ in answered("the car is here\n\ndinner: yes", "dinner?", "the car?")]
    assert places == sorted(places)


@given(st.lists(st.text("ab cd", max_size=12), min_size=1, max_size=6), st.text("ab cd\n", max_size=60))
def test_whatever_is_said_answers_the_turn_in_order(messages: list[str], text: str) -> None:
    found = answered(text, *messages)
    assert len(found) <= 3
    assert all(part.strip() for part, _, _ in found)
    places = [place for _, place, _ in found]
    assert places == sorted(places)
    assert "".join("".join(part.split()) for part, _, _ in found) == "".join(text.split())
