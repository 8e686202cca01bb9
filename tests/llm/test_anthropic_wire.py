"""Anthropic's wire: what we send is what its SDK knows, and what its SDK reads is what we read."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import uuid5

import anthropic
import pytest

from secondme.domain.errors import MindFailed
from secondme.domain.message import Line
from secondme.llm.prompts import instructions
from secondme.observe import metrics
from secondme.pipeline.recall import within
from tests.llm.asking import KEY, asked, forget, mind
from tests.llm.test_openai_wire import QUESTION, Found, Person
from tests.llm.turns import NOW, PERSONA, SPACE, lines, turn

MARK = {"type": "ephemeral"}


async def test_an_answer_becomes_a_draft_and_the_prompt_is_cached(anthropic_stub: str) -> None:
    """Input is what was sent in all: read from the cache, written to it, and the rest."""
    found = turn("Coming?", window=lines("Hi", "hey"))
    await forget(anthropic_stub)
    async with mind(anthropic_stub, "ok", "anthropic") as asks:
        first, second = await asks.complete(found), await asks.complete(found)
    assert [part.text for part in first.parts] == ["Sounds good!", "See you there."]
    assert first.tokens == second.tokens
    assert first.cached_tokens == 0
    assert 0.9 * second.tokens < second.cached_tokens < second.tokens - 5


async def test_what_is_written_to_the_cache_is_read_over_thirty_exchanges(anthropic_stub: str) -> None:
    """Each Turn reads more than the one before; once the window slides, only what stays, and none is written."""
    said, read = list[Line](), list[int]()
    await forget(anthropic_stub)
    async with mind(anthropic_stub, "ok", "anthropic") as asks:
        for number in range(30):
            found = turn(f"{number}: are you coming?")
            recalls = found.account.profile.recalls
            recalled = within(replace(found, window=tuple(said[-2 * recalls :])))
            read.append((await asks.complete(recalled)).cached_tokens)
            marks = json.dumps((await asked(anthropic_stub))["body"]).count("cache_control")
            assert marks == (3 if 0 < number < recalls else 2)
            row = uuid5(SPACE, f"row {number}")
            said += [Line(True, f"{number}: are you coming?", NOW, row), Line(False, "I think so!", NOW, row)]
    none, stable, *growing = read[:recalls]
    assert (none, stable > len(instructions("shared")) // 4 + len(PERSONA.style_guide) // 4) == (0, True)
    assert all(more > less for less, more in pairwise([stable, *growing]))
    assert read[recalls:] == [stable] * (30 - recalls)


async def test_the_stable_beginning_is_marked(anthropic_stub: str) -> None:
    found = turn("Coming?", window=lines("Hi", "hey"))
    async with mind(anthropic_stub, "ok", "anthropic", max_tokens=77) as asks:
        await asks.complete(found)
    request = await asked(anthropic_stub)
    assert request["path"] == "/v1/messages"
    assert (request["headers"]["x-api-key"], request["headers"]["anthropic-version"]) == (KEY, "2023-06-01")
    body = request["body"]
    assert set(body) == {"model", "max_tokens", "messages", "system"}
    assert body["max_tokens"] == 77
    assert [block["cache_control"] for block in body["system"]] == [MARK]
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    style, message = body["messages"][0]["content"]
    assert style["cache_control"] == MARK and PERSONA.style_guide.strip() in style["text"]
    assert message == {"type": "text", "text": "<message>Hi</message>"}
    assert body["messages"][1]["content"] == [{"type": "text", "text": "hey", "cache_control": MARK}]
    assert "Coming?" in body["messages"][2]["content"]


async def test_a_base_url_may_end_with_the_version(anthropic_stub: str) -> None:
    async with mind(f"{anthropic_stub}/v1", "ok", "anthropic") as asks:
        assert (await asks.complete(turn("Hi"))).parts


async def test_the_official_sdk_can_talk_to_the_stub_and_gets_the_same(anthropic_stub: str) -> None:
    async with mind(anthropic_stub, "ok", "anthropic") as asks:
        await asks.complete(turn("Are you coming?"))
        ours: Any = (await asked(anthropic_stub))["body"]
        await asks.extract(Found, QUESTION)
        form: Any = (await asked(anthropic_stub))["body"]
    async with anthropic.AsyncAnthropic(api_key=KEY, base_url=anthropic_stub, max_retries=0) as client:
        answer = await client.messages.create(**ours)
        assert "".join(b.text for b in answer.content if b.type == "text") == "Sounds good!\n\nSee you there."
        filled = await client.messages.create(**form)
        (call,) = [block for block in filled.content if block.type == "tool_use"]
        assert Found.model_validate(call.input).people == [Person(name="Mara", age=3)]
        with pytest.raises(anthropic.APIStatusError, match="529"):
            await client.messages.create(**{**ours, "model": "status-529"})
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(**ours, extra_body={"nonsense": 1})


async def test_a_form_is_a_tool_that_has_to_be_used(anthropic_stub: str) -> None:
    async with mind(anthropic_stub, "ok", "anthropic") as asks:
        found = await asks.extract(Found, QUESTION)
    assert found.value == Found(people=[Person(name="Mara", age=3)])
    assert found.mind == "anthropic:ok"
    body = (await asked(anthropic_stub))["body"]
    assert body["tool_choice"] == {"type": "tool", "name": "Found", "disable_parallel_tool_use": True}


async def test_a_misfit_goes_back_once_and_twice_is_a_failure(anthropic_stub: str) -> None:
    async with mind(anthropic_stub, "misfit-1", "anthropic") as asks:
        assert (await asks.extract(Found, QUESTION)).value.people
    async with mind(anthropic_stub, "misfit-2", "anthropic") as asks:
        with pytest.raises(MindFailed, match="filled in Found wrongly, twice"):
            await asks.extract(Found, QUESTION)


async def test_a_form_that_broke_off_is_none(anthropic_stub: str) -> None:
    async with mind(anthropic_stub, "truncated", "anthropic") as asks:
        with pytest.raises(MindFailed, match="broke off"):
            await asks.extract(Found, QUESTION)


async def test_the_hit_rate_is_of_the_providers_own_figures(
    anthropic_stub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_input_tokens", {"all": 0, "cached": 0})
    found = turn("Coming?")
    await forget(anthropic_stub)
    async with mind(anthropic_stub, "ok", "anthropic") as asks:
        for _ in range(2):
            await asks.complete(found)
    rate = metrics.REGISTRY.get_sample_value("cache_hit_rate")
    assert rate is not None
    assert 0.45 < rate < 0.5
