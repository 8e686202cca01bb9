"""The mind where none is configured."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.errors import MindFailed
from secondme.domain.message import Kind, Line, Message
from secondme.domain.persona import Example, Persona, Style
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Draft, Part, Turn
from secondme.llm.offline import OfflineMind
from secondme.llm.speech import Said, kind_of, promises
from secondme.profiles import PROFILES
from secondme.profiles.personas import CASUAL, DEFAULT_PERSONAS, PROFESSIONAL

NOW = datetime(2026, 7, 1, tzinfo=UTC)
GUIDE = (
    "Short and loose, the way one texts a friend: half sentences, lower case, now and then a picture; never"
    " longer than what was asked."
)


def an_id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, name)


def own(*, lower_case: float = 0.5, full_stop: float = 0.5, emoji: float = 0.3) -> Persona:
    examples = ("not sure yet", "no worries", "haha nice")
    style = Style(500, 4.0, emoji=emoji, lower_case=lower_case, full_stop=full_stop)
    return Persona("persona-own", "Your own voice", "casual", GUIDE, examples, ("friend",), style)


def asked(
    *texts: str,
    examples: tuple[Example, ...] = (),
    persona: Persona | None = None,
    window: tuple[str, ...] = (),
) -> Turn:
    """A turn with these messages waiting; `window` is what our side said before."""
    heard = tuple(Message(an_id(f"{n} {t}"), Kind.TEXT, t, NOW, NOW, n) for n, t in enumerate(texts))
    who = Contact(an_id("contact"), None, True, "friend", None)
    account = Account("main", "simulator", PROFILES["clone"])
    one = an_id("one")
    lines = tuple(Line(False, text, NOW) for text in window)
    return Turn(
        one, account, one, one, one, 0, NOW, who, heard, window=lines, persona=persona, examples=examples
    )


def near(*texts: str, closeness: float = 0.6) -> tuple[Example, ...]:
    return tuple(Example(text, closeness - n / 100) for n, text in enumerate(texts))


async def answer(turn: Turn) -> list[str]:
    return [part.text for part in (await OfflineMind().complete(turn)).parts]


async def test_says_what_the_owner_said_to_something_near() -> None:
    examples = (Example("yes come up", 0.9), Example("the train was late", 0.3))
    assert await answer(asked("are you home?", examples=examples)) == ["yes come up"]


async def test_prefers_what_the_owner_tends_to_say() -> None:
    examples = near("the cat broke the lamp", "no worries at all", "no worries!", "no worries, really")
    assert (await answer(asked("sorry!!", examples=examples)))[0].startswith("no worries")


async def test_far_from_any_known_occasion_it_commits_to_nothing() -> None:
    promise, open_end = "i'll be there at 7", "hmm let me think"
    said = "will you bring the boxes over?"
    assert await answer(asked(said, examples=(Example(promise, 0.12), Example(open_end, 0.1)))) == [open_end]
    assert await answer(asked(said, examples=(Example(promise, 0.99), Example(open_end, 0.1)))) == [promise]


async def test_does_not_say_again_what_it_just_said() -> None:
    examples = near("haha classic you", "good for you then")
    assert await answer(asked("i won", examples=examples)) == ["haha classic you"]
    assert await answer(asked("i won", examples=examples, window=("haha classic you!",))) == [
        "good for you then"
    ]


async def test_small_change_may_come_again_but_not_at_once() -> None:
    examples = near("ok", "great then")
    persona = own()
    assert await answer(asked("done", examples=examples, persona=persona, window=("ok",))) == ["great then"]
    later = ("ok", "see you", "what a day")
    assert await answer(asked("done", examples=near("ok"), persona=persona, window=later)) == ["ok"]


async def test_when_everything_near_was_just_said_the_persona_speaks() -> None:
    turn = asked("sorry!", examples=near("no stress at all"), persona=CASUAL, window=("no stress at all",))
    assert (await answer(turn))[0] in CASUAL.examples


@pytest.mark.parametrize(
    ("said", "kind", "answered"),
    [
        ("hello!", Said.GREETING, "hey, good to hear from you"),
        ("are you coming on friday?", Said.QUESTION, "not sure yet, let me check and tell you later"),
        ("thank you so much", Said.THANKS, "no worries, any time"),
        ("the train was late again", Said.STATEMENT, None),
    ],
)
async def test_without_examples_the_persona_answers_by_kind(
    said: str, kind: Said, answered: str | None
) -> None:
    assert kind_of(said) is kind
    found = await answer(asked(said, persona=CASUAL))
    assert found == [answered] if answered else found[0] in ("haha fair enough", "ok got it 👍")


@pytest.mark.parametrize("persona", DEFAULT_PERSONAS, ids=lambda p: p.id)
@pytest.mark.parametrize("said", ["Hi", "Can you lend me 200 euros?", "Thanks!", "I told them.", "", "👍"])
async def test_the_default_personas_promise_nothing_whatever_is_said(persona: Persona, said: str) -> None:
    (text,) = await answer(asked(said, persona=persona))
    assert text in persona.examples
    assert not promises(text) or "later" in text


async def test_examples_that_answered_something_else_are_not_used() -> None:
    turn = asked("thanks a lot", examples=near("the vet called", closeness=0.04), persona=CASUAL)
    assert await answer(turn) == ["no worries, any time"]


async def test_a_burst_is_answered_in_parts_that_name_what_they_answer() -> None:
    turn = asked("are you coming?", "i have cake", examples=near("yes!!\ncake is a reason"))
    question, last = turn.messages
    draft = await OfflineMind().complete(turn)
    assert draft == Draft(
        (Part("yes!!", question.id, quote=True), Part("cake is a reason", last.id, quote=False)), "offline"
    )


async def test_what_answers_the_last_message_quotes_nothing() -> None:
    turn = asked("i have cake", "are you coming?", examples=near("yes!!\non my bike"))
    assert {(part.answers, part.quote) for part in (await OfflineMind().complete(turn)).parts} == {
        (turn.messages[-1].id, False)
    }


async def test_a_long_burst_of_the_owner_becomes_two_parts_at_most() -> None:
    assert await answer(asked("so?", examples=near("one\ntwo\nthree"))) == ["one", "two"]


async def test_the_words_stay_and_the_clothes_fit_the_persona() -> None:
    examples = near("That is fine. Really 😅.")
    lower = own(lower_case=0.99, full_stop=0.0, emoji=0.0)
    assert await answer(asked("ok?", examples=examples, persona=lower)) == ["that is fine. Really"]
    upper = own(lower_case=0.0, full_stop=0.99)
    assert await answer(asked("ok?", examples=near("that is fine"), persona=upper)) == ["That is fine."]


async def test_a_formal_persona_neither_laughs_nor_shouts() -> None:
    turn = asked("the report is late", examples=near("haha omg", "omg noo!!"), persona=PROFESSIONAL)
    assert (await answer(turn))[0] in PROFESSIONAL.examples
    calm = replace(turn, examples=near("haha omg", "let me look at it 🙂"))
    assert await answer(calm) == ["Let me look at it."]


async def test_a_fixed_line_of_the_profile_is_all_that_is_said() -> None:
    account = Account("main", "simulator", replace(PROFILES["journal"], says_when_offline="Noted."))
    turn = replace(asked("dear diary", "more", examples=near("haha")), account=account)
    draft = await OfflineMind().complete(turn)
    assert draft.parts == (Part("Noted.", turn.messages[-1].id),)


@pytest.mark.parametrize("examples", [(), near("the vet called", closeness=0.01), near("  ")])
async def test_who_knows_no_reply_fails_and_says_what_to_do(examples: tuple[Example, ...]) -> None:
    with pytest.raises(MindFailed, match="--keep-voice"):
        await OfflineMind().complete(asked("hi", examples=examples))


async def test_nothing_to_answer_fails() -> None:
    with pytest.raises(MindFailed):
        await OfflineMind().complete(asked())


@given(
    st.lists(st.text(max_size=40), min_size=1, max_size=4),
    st.lists(st.text(min_size=1, max_size=40), max_size=6),
    st.sampled_from([None, *DEFAULT_PERSONAS, own()]),
)
async def test_any_turn_gets_the_same_few_parts_each_time(
    said: list[str], replies: list[str], persona: Persona | None
) -> None:
    turn = asked(*said, examples=near(*replies), persona=persona)
    try:
        draft = await OfflineMind().complete(turn)
    except MindFailed:
        assert persona is None and not any(reply.strip() for reply in replies)
        return
    assert draft == await OfflineMind().complete(turn)
    assert 1 <= len(draft.parts) <= 2
    assert all(part.text.strip() for part in draft.parts)
    assert {part.answers for part in draft.parts} <= {message.id for message in turn.messages}
