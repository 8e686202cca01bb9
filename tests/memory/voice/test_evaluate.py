"""The measure of a mind against what the owner really said."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

import pytest

from secondme.domain.errors import Invalid, MindFailed
from secondme.domain.message import Kind, Message
from secondme.domain.persona import Example, Persona
from secondme.domain.profile import Account
from secondme.domain.turn import Contact, Turn
from secondme.llm.offline import OfflineMind
from secondme.memory.voice import Pair, Picker, Report, reply_pairs, split
from secondme.memory.voice.evaluate import evaluate, likeness, nearness
from secondme.memory.voice.learn import learn
from secondme.profiles import PROFILES
from secondme.profiles.personas import DEFAULT_PERSONAS
from tests.memory.voice.chat import START, bundled

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def some_pairs(*pairs: tuple[str, str]) -> list[Pair]:
    return [Pair(START + timedelta(days=n), (said,), (reply,)) for n, (said, reply) in enumerate(pairs)]


KEPT = some_pairs(("tea?", "always"), ("did you eat?", "not yet, soup is on"), ("good night", "sleep well"))


async def nearest(said: Sequence[str], examples: tuple[Example, ...]) -> str:
    return examples[0].text


async def the_same(said: Sequence[str], examples: tuple[Example, ...]) -> str:
    return "zzz"


async def fails(said: Sequence[str], examples: tuple[Example, ...]) -> str:
    raise MindFailed("no")


def test_the_last_fifth_by_time_is_held_out() -> None:
    pairs = some_pairs(*((f"q{n}", f"a{n}") for n in range(10)))
    earlier, later = split(pairs[::-1])
    assert [pair.said[0] for pair in later] == ["q8", "q9"]
    assert len(earlier) == 8


def test_likeness_counts_shared_runs() -> None:
    assert likeness("On my way", "on my way") == 1
    assert likeness("abc", "xyz") == 0
    assert likeness("on my way home", "on my way now") > likeness("on my way home", "stuck at work") > 0
    assert likeness("", "") == 1 and likeness("", "a") == 0


def test_nearness_also_weighs_style() -> None:
    assert nearness("ok then", "Ok then.") < nearness("ok then", "ok then") == pytest.approx(1)


async def test_a_mind_that_finds_the_reply_beats_chance() -> None:
    report = await evaluate(KEPT, KEPT, nearest)
    assert all(sample.near == pytest.approx(1) for sample in report.samples)
    assert report.won and report.low <= report.margin <= report.high
    assert "margin +" in report.lines()[2]
    assert "  them: tea?" in report.lines()


async def test_a_mind_that_says_nonsense_does_not() -> None:
    report = await evaluate(KEPT, KEPT, the_same)
    assert report.margin < 0 and not report.won


async def test_no_answer_counts_as_nothing() -> None:
    report = await evaluate(KEPT, KEPT, fails)
    assert report.failed == len(KEPT)
    assert all(sample.near == 0 for sample in report.samples)
    assert "(none)" in "\n".join(report.lines())


async def test_the_same_seed_gives_the_same_report() -> None:
    assert await evaluate(KEPT, KEPT, nearest, seed=3) == await evaluate(KEPT, KEPT, nearest, seed=3)


async def test_nothing_held_out_is_refused() -> None:
    with pytest.raises(Invalid, match="longer chat"):
        await evaluate(KEPT, [], nearest)


def offline(persona: Persona) -> Picker:
    """The offline mind, asked as the pipeline asks it."""
    mind, who = OfflineMind(), uuid5(NAMESPACE_URL, "contact")
    account, contact = Account("a", "simulator", PROFILES["clone"]), Contact(who, None, True, "friend", None)

    async def pick(said: Sequence[str], examples: tuple[Example, ...]) -> str:
        heard = tuple(
            Message(uuid5(who, f"{n} {text}"), Kind.TEXT, text, NOW, NOW, n) for n, text in enumerate(said)
        )
        turn = Turn(who, account, who, who, who, 0, NOW, contact, heard, persona=persona, examples=examples)
        return "\n".join(part.text for part in (await mind.complete(turn)).parts)

    return pick


async def offline_report(me: str) -> Report:
    chat = bundled(me)
    kept, held_out = split(list(reply_pairs(chat, me)))
    earlier = [message for message in chat if message.at < held_out[0].at]
    persona = learn(earlier, me, True, DEFAULT_PERSONAS).persona
    return await evaluate(kept, held_out, offline(persona))


@pytest.mark.parametrize("me", ["Lena Brandt", "Viktor Hale"])
async def test_the_offline_mind_is_nearer_to_the_owner_than_chance(me: str) -> None:
    report = await offline_report(me)
    assert report.failed == 0
    assert report.margin > 0, report.lines(0)
