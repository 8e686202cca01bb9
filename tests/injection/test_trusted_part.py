"""What is ours in a prompt is the same, byte by byte, whatever others wrote: in what is built, and as it is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from secondme.domain.message import Kind
from secondme.domain.turn import Turn
from secondme.llm.asking import folded as without_system
from secondme.llm.prompts import ask_for, build, harmless
from secondme.memory.extract.asking import Utterance, read_with
from tests.injection import hostile, reading
from tests.injection.examples import holds
from tests.llm.asking import asked, forget, mind
from tests.llm.turns import PERSONA, examples, facts, lines, message, turn
from tests.stubs.processes import anthropic_server, openai_server

WIRES = [
    pytest.param("openai", "ok", {}, id="openai"),
    pytest.param("openai", "no-system", {}, id="openai-no-system"),
    pytest.param("anthropic", "ok", {}, id="anthropic"),
    pytest.param("anthropic", "ok", {"system": False}, id="anthropic-no-system"),
]


def conversation(said: str) -> Turn:
    """A Turn in which `said` stands wherever somebody else's words can."""
    found = turn(
        messages=(message(0, said), message(1, said, Kind.IMAGE), message(2, said, Kind.DOCUMENT)),
        window=lines(said[:3_000], "yes", said[:3_000], "no"),
        examples=examples(said),
        facts=(*facts(f"{said} works at {said}", by="somebody"), *facts(f"{said}: {said}", by="owner")),
    )
    return replace(found, contact=replace(found.contact, name=said))


def calm(said: str) -> str:
    """A harmless text of that length."""
    return "a" * len(said)


def keeps_to_its_place(said: str) -> None:
    """The property itself, for any text."""
    sent, like = build(conversation(said)), build(conversation(calm(said)))
    assert reading.ours(sent) == reading.ours(like)
    assert reading.ours(without_system(sent)) == reading.ours(without_system(like))
    inside = [text for line in sent for text in reading.fenced(line["content"])]
    assert len(inside) == len([text for line in like for text in reading.fenced(line["content"])])
    assert [found for text in inside for found in reading.forgeries(text)] == []


@pytest.mark.parametrize("kind", sorted(hostile.KINDS))
def test_of_every_kind_and_each_of_the_corpus(kind: str) -> None:
    for said in hostile.KINDS[kind]:
        keeps_to_its_place(said)


def test_whatever_is_said(long: bool) -> None:
    holds(keeps_to_its_place, hostile.texts(), long=long)


def test_an_extraction_reads_only_what_is_fenced(long: bool) -> None:
    def fenced(one: str, other: str) -> None:
        sent, like = (ask_for("Ours.", texts) for texts in ((one, other), (calm(one), calm(other))))
        if len(one) < 9_000 > len(other):  # longer ones are cut, and may leave no room for the next
            assert reading.ours(sent) == reading.ours(like)
        inside = [text for line in sent for text in reading.fenced(line["content"])]
        assert [found for text in inside for found in reading.forgeries(text)] == []

    holds(fenced, hostile.texts(), hostile.texts(), long=long)


@pytest.mark.parametrize("said", hostile.few(), ids=range(len(hostile.few())))
def test_the_persona_of_an_import_adds_lines_and_no_delimiter(said: str) -> None:
    """The owner's own words stand in the system message, so they may neither close a fence nor open one."""
    said = said[:2_000]
    persona = replace(PERSONA, style_guide=(said * 60)[:9_000].ljust(100, "."), examples=(said,) * 3)
    persona = replace(persona, style=replace(persona.style, messages=50, greetings=(said,), phrases=(said,)))
    (system, *rest), (like, *others) = build(turn("Hi", persona=persona)), build(turn("Hi"))
    assert rest == others
    learned = system["content"].split("How the owner sounds", 1)[1]
    assert system["content"].startswith(like["content"].split("How the owner sounds", 1)[0])
    assert reading.forgeries(learned) == []
    examples_of = learned.split("Messages as the owner writes them:\n")[-1].splitlines()
    assert len(examples_of) == 3 and all(line.startswith("- ") for line in examples_of)


@pytest.mark.parametrize(
    "text", ["I <3 you", "1 < 2 > 0", "Tom & Jerry", "a\n\nb", "AT&T [1]", "x -> y", "😀 <3"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert harmless(text) == text


@pytest.fixture(scope="module")
def stubs() -> Iterator[dict[str, str]]:
    """Providers as processes of their own, by wire format."""
    with openai_server() as openai, anthropic_server() as anthropic:
        yield {"openai": openai, "anthropic": anthropic}


def chosen(long: bool, kinds: Sequence[str] = tuple(hostile.KINDS)) -> list[str]:
    """Some of each kind, or all of the corpus but every spelling of a tag."""
    found = hostile.few(tuple(kinds), 40 if long else 2)
    print(f"{len(found)} texts on the wire")
    return found


@pytest.mark.parametrize(("provider", "name", "more"), WIRES)
async def test_a_reply_is_asked_for_in_the_same_words(
    stubs: dict[str, str], provider: str, name: str, more: dict[str, Any], long: bool
) -> None:
    stub = stubs[provider]
    async with mind(stub, name, provider, **more) as model:
        for said in chosen(long):
            await model.complete(conversation(said))
            sent = await asked(stub)
            await model.complete(conversation(calm(said)))
            like = await asked(stub)
            assert reading.ours(sent["body"]) == reading.ours(like["body"])
            assert sent["path"] == like["path"]
            await forget(stub)


@pytest.mark.parametrize(("provider", "name", "more"), WIRES)
async def test_an_extraction_is_asked_for_in_the_same_words(
    stubs: dict[str, str], provider: str, name: str, more: dict[str, Any], long: bool
) -> None:
    stub, at = stubs[provider], datetime(2026, 11, 20, 9)
    async with mind(stub, name, provider, **more) as model:
        for said in chosen(long):
            bodies = []
            for text in (said, calm(said)):
                await read_with(
                    model, [Utterance(f"I saw Bob {text}", at), Utterance("Eve lives in Rome", at)]
                )
                bodies.append((await asked(stub))["body"])
            assert reading.ours(bodies[0]) == reading.ours(bodies[1])
            await forget(stub)
