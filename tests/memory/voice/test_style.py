"""Figures of a voice, and how far two voices are apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.persona import Style
from secondme.memory.voice import StyleMeter, measure, style_distance
from secondme.memory.voice.tally import Sieve, Tally

TEXTS = st.text(max_size=60)


def test_measures_shares_means_and_favourites() -> None:
    found = measure(["hey you!", "On my way 😂😂", "ok.", "really? 🧗‍♀️"], bursts=2)
    assert (found.messages, found.words, found.burst) == (4, 1.75, 2.0)
    assert (found.emoji, found.lower_case, found.full_stop) == (0.5, 0.75, 0.25)
    assert (found.exclamation, found.question) == (0.25, 0.25)
    assert found.favourite_emoji == ("😂", "🧗‍♀️")


def test_dots_that_trail_off_are_no_full_stop() -> None:
    assert measure(["well...", "so.."]).full_stop == 0


def test_nothing_measured_is_the_empty_style() -> None:
    assert measure([]) == measure(["", "  "]) == Style()


def test_a_phrase_is_one_from_the_third_time_on_in_its_usual_spelling() -> None:
    said = ["no worries", "No worries!", "no worries", "sounds good", "sounds good", "a b c d e f"] + [
        "x" * 70
    ] * 3
    assert measure(said).phrases == ("no worries",)


def test_greetings_of_one_and_two_words() -> None:
    found = measure(["Good evening. All well?", "good evening", "hey!", "heyyy", "morning walk", "goodness"])
    assert set(found.greetings) == {"good evening"}
    assert measure(["hey", "hey there", "HEY"]).greetings == ("hey",)


def test_a_burst_is_what_follows_at_once() -> None:
    meter = StyleMeter()
    for continues in (False, True, True, False):
        meter.add("ok", continues)
    assert meter.style().burst == 2.0


def test_the_filter_decides_which_phrases_may_be_repeated() -> None:
    meter = StyleMeter()
    for text in ["night mara", "see you"] * 3:
        meter.add(text)
    assert meter.style(lambda text: "mara" not in text).phrases == ("see you",)


def test_memory_stays_bounded_however_much_is_read() -> None:
    tally = Tally(100)
    for number in range(10_000):
        tally.add(f"once {number}")
        tally.add("again")
    assert len(tally) <= 201
    assert tally.top()[0] == ("again", 10_000)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=50))
def test_a_sieve_never_forgets(words: list[str]) -> None:
    sieve = Sieve(12)
    sieve.update(words)
    assert all(word in sieve for word in words)


def test_a_sieve_tells_words_apart() -> None:
    sieve = Sieve()
    sieve.update(f"in{n}" for n in range(2_000))
    assert sum(f"out{n}" in sieve for n in range(2_000)) < 20


@given(TEXTS, TEXTS)
def test_distance_is_symmetric_and_between_0_and_1(a: str, b: str) -> None:
    assert 0 <= style_distance(a, b) <= 1
    assert style_distance(a, b) == pytest.approx(style_distance(b, a))
    assert style_distance(a, a) == 0


def test_a_voice_is_nearer_to_its_own_kind() -> None:
    loose = measure(["yess!! 😂", "omw", "haha no"])
    assert style_distance(loose, "lol ok!!") < style_distance(
        loose, "I regret that I cannot attend the meeting."
    )
