"""Replies that only their reader may hear again, and what several chats teach together."""

from dataclasses import replace

import pytest

from secondme.domain.persona import RELATIONSHIPS, Lesson, Style
from secondme.memory.voice.learn import learn
from secondme.memory.voice.lessons import personas, together
from secondme.memory.voice.plain import is_discreet
from secondme.profiles.personas import DEFAULT_PERSONAS
from tests.memory.voice.chat import chat

STYLE = Style(
    messages=100,
    words=4.0,
    emoji=0.5,
    lower_case=1.0,
    burst=2.0,
    greetings=("hey",),
    phrases=("on my way", "haha yes", "see you"),
)
FORMAL = Style(
    messages=300, words=12.0, full_stop=1.0, greetings=("hello",), phrases=("Thank you.", "See you.")
)


@pytest.mark.parametrize(
    "reply",
    ["tell Zoe the doctor says hi", "I miss you, kiss", "my sister Ines is pregnant", "at 8 then, Bob too"],
)
def test_what_is_told_to_one_may_be_told_to_them_again(reply: str) -> None:
    assert is_discreet([reply])


@pytest.mark.parametrize(
    "reply",
    [
        "call me on 030 1234567",
        "it is Baker Street 221",
        "see www.example",
        "mail me at bob@example.org",
        "the password is swordfish",
        "mi contraseña es girasol",
        "it costs 40 €",
        "sk-abcdefghijklmnopqrstuvwxyz",
        "x" * 301,
        "",
    ],
)
def test_numbers_addresses_and_secrets_are_kept_from_everybody(reply: str) -> None:
    assert not is_discreet([reply])


def test_a_pair_is_plain_or_between_the_two_or_nobodys() -> None:
    lines = ["Ana: in?", "Lee: yes sure", "Ana: who?", "Lee: me and Zoe", "Ana: code?", "Lee: 4711"]
    found = learn(chat(*lines), "Lee", True, DEFAULT_PERSONAS)
    assert [pair.reply for pair in found.pairs] == [("yes sure",)]
    assert [pair.reply for pair in found.between] == [("me and Zoe",)]
    assert learn(chat(*lines), "Lee", False, DEFAULT_PERSONAS).between == []


def test_a_name_that_turns_up_later_leaves_it_between_the_two() -> None:
    lines = [
        "Ana: who?",
        "Lee: zoltan comes",
        "Ana: when?",
        "Lee: later",
        "Ana: I like Zoltan",
        "Lee: me too",
    ]
    found = learn(chat(*lines), "Lee", True, DEFAULT_PERSONAS)
    assert [pair.reply for pair in found.pairs] == [("later",), ("me too",)]
    assert [pair.reply for pair in found.between] == [("zoltan comes",)]


def test_each_chat_counts_by_its_messages() -> None:
    both = together([STYLE, FORMAL])
    assert (both.messages, both.words, both.emoji, both.full_stop, both.burst) == (
        400,
        10.0,
        0.125,
        0.75,
        1.25,
    )
    assert both.greetings == ("hello", "hey")
    assert both.phrases == ("Thank you.", "on my way", "See you.", "haha yes")  # `see you` is said already
    assert together([STYLE]) == STYLE


def test_one_voice_for_all_and_one_for_each_kind_that_taught_enough() -> None:
    lessons = [
        Lesson("friend", STYLE, ("yo", "haha", "omw")),
        Lesson("colleague", FORMAL, ("Thank you.", "I will check.", "Good morning.")),
        Lesson("family", replace(STYLE, messages=19), ("hi mum", "love", "ok")),
        Lesson(None, STYLE, ("hm", "fine")),
    ]
    made = {persona.id: persona for persona in personas(lessons, DEFAULT_PERSONAS)}
    assert list(made) == ["persona-own", "persona-own-friend", "persona-own-colleague"]
    assert made["persona-own"].style.messages == 519
    assert made["persona-own"].examples[:4] == ("yo", "Thank you.", "hi mum", "hm")
    assert made["persona-own"].applicable_to == RELATIONSHIPS
    friend, colleague = made["persona-own-friend"], made["persona-own-colleague"]
    assert (friend.style, friend.examples, friend.tone) == (STYLE, ("yo", "haha", "omw"), "casual")
    assert colleague.applicable_to == ("colleague",)
    assert colleague.tone == "formal"
    assert all(100 <= len(persona.style_guide) <= 10_000 for persona in made.values())
    assert len({persona.name for persona in made.values()}) == 3
    assert personas([], DEFAULT_PERSONAS) == []
