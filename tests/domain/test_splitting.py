"""Texts longer than a channel carries are cut where a reader would pause, and nothing of them is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secondme.pipeline.compose import MAX_TEXT, split


def words(*pieces: str) -> list[str]:
    return " ".join(pieces).split()


@pytest.mark.parametrize("length", [1, MAX_TEXT - 1, MAX_TEXT])
def test_what_fits_stays_whole(length: int) -> None:
    assert list(split("x" * length)) == ["x" * length]


def test_nothing_is_no_message() -> None:
    assert list(split("")) == []


def test_one_character_too_many_makes_two() -> None:
    assert [len(piece) for piece in split("x" * (MAX_TEXT + 1))] == [MAX_TEXT, 1]


@pytest.mark.parametrize("mark", ["\n\n", "\n", " "])
def test_it_is_cut_at_a_mark_in_the_second_half(mark: str) -> None:
    first, second = "a" * 3000, "b" * 3000
    assert list(split(first + mark + second)) == [first, second]


def test_a_mark_in_the_first_half_would_cut_too_short() -> None:
    assert [len(piece) for piece in split("a" * 10 + " " + "b" * 5000)] == [MAX_TEXT, 915]


def test_emoji_count_as_one_character_each() -> None:
    assert [len(piece) for piece in split("😀" * 5000)] == [MAX_TEXT, 904]


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab \n😀", max_size=400), st.integers(2, 40))
def test_pieces_fit_and_nothing_is_lost(text: str, limit: int) -> None:
    pieces = list(split(text.strip(), limit))
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=15), max_size=60))
def test_no_word_that_fits_in_half_a_message_is_cut(said: list[str]) -> None:
    assert words(*split(" ".join(said), 40)) == said
