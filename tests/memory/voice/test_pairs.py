"""From a chat to exchanges."""

import pytest

from secondme.memory.voice import reply_pairs
from secondme.memory.voice.pairs import Pair
from tests.memory.voice.chat import START, bundled, chat


def pairs(*lines: str, limit: int = 100) -> list[Pair]:
    return list(reply_pairs(chat(*lines), "Lee", limit))


def said_and_replied(found: list[Pair]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [(pair.said, pair.reply) for pair in found]


def test_a_burst_is_answered_by_a_burst() -> None:
    found = pairs("Ana: hey", "Ana: are you in?", "Lee: yes", "Lee: come up", "Ana: ok", "Lee: great")
    assert said_and_replied(found) == [(("hey", "are you in?"), ("yes", "come up")), (("ok",), ("great",))]
    assert (found[0].at - START).total_seconds() == 180


def test_an_answer_the_next_day_answers_nothing() -> None:
    assert pairs("Ana: are you in?", "Lee <9h>: sorry, was asleep") == []


def test_what_was_said_long_before_is_not_what_was_answered() -> None:
    found = pairs("Ana: are you in?", "Ana <9h>: hello?", "Lee: yes")
    assert said_and_replied(found) == [(("hello?",), ("yes",))]


def test_what_the_owner_begins_later_is_no_reply() -> None:
    found = pairs("Ana: are you in?", "Lee: yes", "Lee <1h>: did you eat?", "Ana: no", "Lee: oh")
    assert said_and_replied(found) == [(("are you in?",), ("yes",)), (("no",), ("oh",))]


def test_a_picture_takes_its_words_along() -> None:
    found = pairs(
        "Ana: show me", "Lee: look", "Lee [media]: so pretty", "Ana [media]: x", "Lee: wow", "Ana: y"
    )
    assert found == []


def test_pictures_and_notices_of_others_are_not_words() -> None:
    found = pairs("Ana [media]: x", "Ana: nice?", "Bob [system]: changed the group", "Lee: very nice")
    assert said_and_replied(found) == [(("nice?",), ("very nice",))]


def test_everybody_else_of_a_group_counts() -> None:
    found = pairs("Ana: coming?", "Bob: we wait", "Lee: yes sorry")
    assert said_and_replied(found) == [(("coming?", "we wait"), ("yes sorry",))]


def test_the_owner_is_known_whatever_marks_the_export_puts_around_the_name() -> None:
    found = list(reply_pairs(chat("Ana: in?", "LEE\u200e: yes"), "Lee"))
    assert said_and_replied(found) == [(("in?",), ("yes",))]


def test_who_chose_the_owners_name_is_not_the_owner() -> None:
    """A tilde stands before the name that somebody who is no contact gave themselves."""
    assert list(reply_pairs(chat("Ana: in?", "~ Lee: yes"), "Lee")) == []
    assert len(list(reply_pairs(chat("Ana: in?", "~ Lee: yes"), "~\u202flee"))) == 1


def test_a_name_that_turns_up_later_drops_what_was_kept_before() -> None:
    lines = ("Ana: who was it?", "Lee: wulf i think", "Ana: who?", "Lee: nobody")
    assert len(pairs(*lines)) == 2
    found = pairs(*lines, "Ana: so it was Wulf again", "Lee: fine")
    assert said_and_replied(found) == [(("who?",), ("nobody",)), (("so it was Wulf again",), ("fine",))]


def test_only_the_newest_are_kept() -> None:
    lines = [line for word in ("one", "two", "three", "four") for line in (f"Ana: {word}?", f"Lee: {word}")]
    assert [pair.reply for pair in pairs(*lines, limit=2)] == [("three",), ("four",)]


@pytest.mark.parametrize(
    ("me", "names"),
    [
        ("Lena Brandt", {"mara", "ruiz", "lena", "brandt", "henrik", "tomasz", "jonas", "ayla", "miso"}),
        ("Viktor Hale", {"priya", "nair", "viktor", "hale", "marion", "biscuit"}),
    ],
)
def test_no_name_of_the_bundled_chats_is_kept(me: str, names: set[str]) -> None:
    found = list(reply_pairs(bundled(me), me))
    words = {word.strip(".,!?'").casefold() for pair in found for text in pair.reply for word in text.split()}
    assert len(found) > 300
    assert not words & names
