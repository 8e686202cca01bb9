"""What an imported chat teaches."""

import pytest

from secondme.domain.errors import Invalid, NotFound
from secondme.domain.persona import RELATIONSHIPS
from secondme.memory.voice.learn import learn
from secondme.profiles.personas import CASUAL, DEFAULT_PERSONAS
from tests.memory.voice.chat import again, bundled, chat

DAY = (
    "Ana: hey are you in?",
    "Lee: yess come up 😂",
    "Ana: did you eat?",
    "Lee: not yet",
    "Lee: you?",
    "Ana: thank you for yesterday",
    "Lee: no worries!!",
)


def test_a_persona_is_measured_and_written() -> None:
    found = learn(again(DAY, 5), "Lee", True, DEFAULT_PERSONAS)
    assert (found.persona.id, found.persona.name) == ("persona-own", "Your own voice")
    assert found.persona.applicable_to == RELATIONSHIPS
    assert found.persona.style == found.lesson.style
    assert (found.messages, found.own, found.exchanges) == (35, 20, 15)
    assert found.authors == {"Ana": 15, "Lee": 20}
    assert found.lesson.style.burst == pytest.approx(20 / 15, abs=0.01)
    assert {"not yet", "no worries!!"} <= set(found.lesson.style.phrases)
    guide = found.persona.style_guide
    assert "lower case nearly always (100%)" in guide and "😂" in guide and "no worries!!" in guide


@pytest.mark.parametrize(
    ("me", "tone", "emoji"), [("Lena Brandt", "casual", True), ("Viktor Hale", "formal", False)]
)
def test_the_two_bundled_owners_sound_different(me: str, tone: str, emoji: bool) -> None:
    found = learn(bundled(me), me, True, DEFAULT_PERSONAS)
    assert found.persona.tone == tone
    assert ("No emoji." not in found.persona.style_guide) is emoji
    assert 10 <= len(found.persona.examples) <= 20
    assert len(found.pairs) > 300
    assert [pair.at for pair in found.pairs] == sorted(pair.at for pair in found.pairs)


def test_without_leave_nothing_said_once_is_kept() -> None:
    once = chat("Ana: and?", "Lee: the purple frog won", "Ana: no way", "Lee: i nearly cried")
    agreed = learn([*again(DAY, 5), *once], "Lee", True, DEFAULT_PERSONAS)
    assert any("frog" in text for pair in agreed.pairs for text in pair.reply)
    found = learn([*again(DAY, 5), *once], "Lee", False, DEFAULT_PERSONAS)
    assert found.pairs == []
    assert set(found.persona.examples) <= {
        *found.lesson.style.phrases,
        *(e for p in DEFAULT_PERSONAS for e in p.examples),
    }
    assert not any("frog" in text for text in (*found.persona.examples, found.persona.style_guide))


def test_too_few_phrases_are_filled_up_from_the_nearest_default() -> None:
    found = learn(chat("Ana: in?", "Lee: haha yes", "Lee: omw"), "Lee", False, DEFAULT_PERSONAS)
    assert found.persona.examples == CASUAL.examples
    formal = "I should be delighted to join you there, and shall bring the proofs of the second chapter."
    assert (
        learn(chat("Ana: in?", f"Lee: {formal}"), "Lee", False, DEFAULT_PERSONAS).persona.examples
        != CASUAL.examples
    )


def test_a_stock_phrase_with_a_name_in_it_is_not_shown() -> None:
    found = learn(
        again(("Ana: in?", "Lee: night ana", "Ana: so?", "Lee: call 030 1234"), 4), "Lee", False, [CASUAL]
    )
    assert found.lesson.style.phrases == ()
    assert not any(
        "ana" in text.lower().split() for text in (*found.persona.examples, found.persona.style_guide)
    )


def test_who_is_not_in_the_chat_is_told_who_is() -> None:
    with pytest.raises(NotFound, match=r"Zoe .* Ana, Lee.*--me") as error:
        learn(chat("Ana: in?", "Lee: yes", "Ana: ok"), "Zoe", True)
    assert "more" not in str(error.value)


def test_of_many_authors_twenty_are_named() -> None:
    lines = [f"Person{'abcdefghijklmnopqrstuvwxyz'[n]}: hi" for n in range(26)]
    with pytest.raises(NotFound, match="and 6 more") as error:
        learn(chat(*lines), "Zoe", True)
    assert str(error.value).count("Person") == 20


def test_an_empty_file_says_what_to_do() -> None:
    with pytest.raises(NotFound, match="export the chat again"):
        learn([], "Lee", True)


def test_too_little_is_refused() -> None:
    with pytest.raises(Invalid, match="longer chat"):
        learn(chat("Ana: in?", "Lee: yes"), "Lee", True)


def test_a_file_is_read_once_as_a_stream() -> None:
    stream = iter(again(DAY, 3))
    assert learn(stream, "Lee", True, DEFAULT_PERSONAS).messages == 21
    assert next(stream, None) is None
