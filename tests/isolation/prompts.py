"""A request to a model, taken apart: which of its words are the persona's, facts, past replies, the conversation."""

import re
from dataclasses import dataclass
from typing import Any

from tests.isolation.oracle import Oracle, Shown
from tests.isolation.words import Words

_FACT = re.compile(r"<fact([^>]*)>(.*?)</fact>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_EXAMPLE = re.compile(r"<example>(.*?)</example>", re.DOTALL)
_WAITING = "Waiting for an answer:\n"
_MANY = 6  # facts of one name: others compete for the twelve places of a prompt
_BY = re.compile(r' by="(\w+)"')


@dataclass(frozen=True)
class Prompt:
    """What a model was given for one contact, as words of ours."""

    system: frozenset[str]  # none, whatever was said
    style: frozenset[str]
    facts: frozenset[Shown]
    replies: frozenset[str]
    talk: frozenset[str]  # the conversation before, and what waits
    waiting: frozenset[str]


def taken_apart(body: dict[str, Any], words: Words) -> Prompt:
    """The body of a request for a chat completion."""
    system, *talk = (message["content"] for message in body["messages"])
    style, talk[0] = " ".join(_STYLE.findall(talk[0])), _STYLE.sub("", talk[0])
    before, _, waiting = talk[-1].rpartition(_WAITING)
    facts = frozenset(
        Shown(
            frozenset(words.within(text)), " until=" in said, found[1] if (found := _BY.search(said)) else ""
        )
        for said, text in _FACT.findall(before)
    )
    replies = words.within(" ".join(_EXAMPLE.findall(before)))
    rest = _EXAMPLE.sub("", _FACT.sub("", before))
    return Prompt(
        frozenset(words.within(system)),
        frozenset(words.within(style)),
        facts,
        frozenset(replies),
        frozenset(words.within(" ".join([*talk[:-1], rest, waiting]))),
        frozenset(words.within(waiting)),
    )


def violations(prompt: Prompt, contact: str, oracle: Oracle) -> list[str]:
    """What this contact must not hear and yet stands in their prompt."""
    phrases, _ = oracle.phrases(contact)
    facts = prompt.facts - oracle.may_be_shown(contact)
    found = [
        ("a fact", facts),
        ("a past reply", prompt.replies - oracle.replies(contact)),
        ("a line", prompt.talk - oracle.talk(contact)),
        ("the persona", prompt.style - phrases),
        ("the instructions", prompt.system),
    ]
    known = [
        f"{told}, ended by {oracle.end_of(told)}"
        for shown in facts
        for told in oracle.facts.values()
        if told.words == shown.words
    ]
    return [
        "\n".join([f"{what} that {contact} may not hear: {sorted(map(str, words))}", *known])
        for what, words in found
        if words
    ]


def missing(prompt: Prompt, contact: str, oracle: Oracle) -> list[str]:
    """What this contact asked for and may hear, and yet does not stand in their prompt."""
    phrases, speaks = oracle.phrases(contact)
    shown, must = {fact.words for fact in prompt.facts}, oracle.must_be_shown(contact, set(prompt.waiting))
    if len(must) > _MANY:
        must = set()
    found = [
        ("a fact", {" ".join(sorted(one)) for one in must - shown}),
        ("a past reply", oracle.answer_to(contact, set(prompt.waiting)) - prompt.replies),
        ("a persona", {"any phrase"} if speaks and not prompt.style & phrases else set()),
    ]
    return [f"{what} that {contact} should hear: {sorted(words)}" for what, words in found if words]
