"""Which replies anyone may hear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.memory.voice.plain import Names, is_harmless


@pytest.mark.parametrize(
    "text",
    [
        "yes, see you there",
        "at 7",
        "half past 7 works",
        "7:30?",
        "be there in 10 min",
        "9?",
        "it's ok, don't worry 😅",
        "明天见",
        "بعد شوي",
        "um 8 passt",
    ],
)
def test_keeps_what_could_be_said_to_anybody(text: str) -> None:
    assert is_harmless([text], ())


@pytest.mark.parametrize(
    "text",
    [
        "my number is 0151 234",
        "at 7 in room 12",
        "it was 12.50",
        "at 1500",
        "5€ please",
        "٣ دقائق",
        "see www.example.org",
        "on example.org maybe",
        "https://a.b",
        "mail me: a@b",
        'she said "never"',
        "he said 'go away now' again",
        "„ja klar“ meinte er",
        "> what they wrote",
        "I think I'm pregnant",
        "my therapist says so",
        "the rent is late",
        "key: Xq3KfP0aaaaaaaaaaaaaaaa",
        "internationalizationists",
        "word " * 26,
        "明天早上我们在老地方见面然后一起吃饭",
        "",
        "   ",
    ],
)
def test_drops_what_would_carry_a_life_along(text: str) -> None:
    assert not is_harmless([text], ())


def test_a_private_stem_of_three_letters_is_a_whole_word() -> None:
    assert not is_harmless(["we had sex"], ())
    assert is_harmless(["by taxi then"], ())


def test_the_words_of_others_are_not_handed_on() -> None:
    said = ["my boss shouted at me again today"]
    assert not is_harmless(["shouted at me? poor you"], said)
    assert is_harmless(["poor you, come over"], said)
    assert is_harmless(["what do you need"], ["tell me what do you think"])


def test_several_messages_are_judged_together() -> None:
    assert is_harmless(["at 7", "ok?"], ())
    assert not is_harmless(["at 7", "or at 8"], ())
    assert not is_harmless(["ok"] * 6, ())


@given(st.text(alphabet="0123456789 abc:€.,+-/", max_size=20))
def test_no_number_of_three_digits_ever_passes(text: str) -> None:
    if is_harmless([text], ()):
        assert not any(text[i : i + 3].isdigit() for i in range(len(text) - 2))


def names(*texts: str, people: tuple[str, ...] = ()) -> Names:
    found = Names()
    for person in people:
        found.person(person)
    for text in texts:
        found.read(text)
    return found


@pytest.mark.parametrize(
    "text", ["ask Priya", "ask priya then", "PRIYA!", "priya's flat", "that's Priyas", "meet me at praxis"]
)
def test_a_capital_in_mid_sentence_makes_a_word_suspect_however_it_is_written(text: str) -> None:
    assert names("I saw Priya at Praxis", "that is fine").suspects(text)


def test_participants_are_suspect_from_the_first_message_on() -> None:
    found = names("fine with me", people=("Ana María de la Cruz", "Best"))
    assert found.suspects("ok ana") and found.suspects("cruz?") and found.suspects("the best")
    assert not found.suspects("fine de la")


def test_names_in_scripts_without_case_are_found_inside_runs() -> None:
    assert names(people=("王小明",)).suspects("小明你好")
    assert not names(people=("王小明",)).suspects("你好吗")


def test_a_sentence_may_begin_with_a_capital_and_shouting_names_nobody() -> None:
    found = names("Great news. Really great! ok? Ready when you are", "SO GREAT", "haha Yes, I am")
    assert not found.suspects("great")
    assert not found.suspects("yes i am")
    assert not found.suspects("Great")


def test_a_first_word_never_seen_in_lower_case_may_be_a_name() -> None:
    found = names("Wolfram called again", "he called")
    assert found.suspects("Wolfram is late")
    assert not found.suspects("Called them?")


def test_common_given_names_are_known_without_any_capital() -> None:
    assert names("saw jonas at the gym").suspects("tell jonas hi")
