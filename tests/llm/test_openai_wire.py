"""The wire is OpenAI's own, and whatever comes back is either a whole answer or MindFailed without a secret in it."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import openai
import pytest

from secondme import llm
from secondme.domain.errors import MindFailed
from secondme.llm.openai_wire import OpenAIMind, WireFailed
from secondme.llm.providers import PROVIDERS, Model
from secondme.observe import metrics
from tests.llm.turns import lines, turn
from tests.stubs.processes import openai_server

KEY = "sk-CANARY-KEY"
WORDS = "CANARY-WORDS"


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    with openai_server() as url:
        yield url


@asynccontextmanager
async def mind(
    base_url: str, model: str, seconds: float = 5, provider: str = "openai"
) -> AsyncIterator[OpenAIMind]:
    found = OpenAIMind(Model(PROVIDERS[provider], model, base_url, KEY), timeout=seconds)
    try:
        yield found
    finally:
        await found.close()


async def asked(stub: str) -> Any:
    """What the stub was asked last."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stub.removesuffix('/v1')}/requests") as answer,
    ):
        return (await answer.json())[-1]


async def test_an_answer_becomes_a_draft_with_its_usage(stub: str) -> None:
    burst = turn("Are you coming?", "It starts at eight")
    async with mind(stub, "ok") as asks:
        draft = await asks.complete(burst)
    assert [part.text for part in draft.parts] == ["Sounds good!", "See you there."]
    assert {part.answers for part in draft.parts} <= {message.id for message in burst.messages}
    assert (draft.mind, draft.tokens, draft.cached_tokens) == ("openai:ok", 107, 64)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_the_request_is_what_the_official_types_know(stub: str, provider: str) -> None:
    """The stub answers 400 to what they do not know."""
    found = turn("Are you coming?", window=lines("Hi", "hey", "There?"))
    async with mind(stub, "ok", provider=provider) as asks:
        await asks.complete(found)
    request = await asked(stub)
    assert request["path"] == "/v1/chat/completions"
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert [m["role"] for m in request["body"]["messages"]] == ["system", "user", "assistant", "user"]
    assert request["body"][PROVIDERS[provider].limit] > 0


async def test_the_official_sdk_can_talk_to_the_stub_and_gets_the_same(stub: str) -> None:
    async with openai.AsyncOpenAI(api_key=KEY, base_url=stub, max_retries=0) as client:
        ours = json.loads(json.dumps((await _request_of(stub))["messages"]))
        answer = await client.chat.completions.create(model="ok", messages=ours, max_completion_tokens=2048)
        assert answer.choices[0].message.content == "Sounds good!\n\nSee you there."
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        assert answer.usage.prompt_tokens_details.cached_tokens == 64
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="status-500", messages=ours)
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="ok", messages=ours, extra_body={"nonsense": 1})


async def _request_of(stub: str) -> Any:
    async with mind(stub, "ok") as asks:
        await asks.complete(turn("Are you coming?"))
    return (await asked(stub))["body"]


@pytest.mark.parametrize(
    ("model", "cause", "said"),
    [
        ("empty", "empty", "gave an empty answer"),
        ("truncated", "truncated", "broke off"),
        ("refused", "refused", "refused to answer"),
        ("filtered", "refused", "refused to answer"),
        ("tool", "malformed", "something else than a text"),
        ("malformed", "malformed", "no chat completion"),
        ("shapeless", "malformed", "no chat completion"),
        ("huge", "oversized", "more than"),
        ("status-400", "status", "answered 400. Check the model's name."),
        ("status-401", "status", "answered 401. It refuses the key: correct OPENAI_API_KEY."),
        ("status-404", "status", "answered 404. It does not know the model, or OPENAI_BASE_URL is wrong."),
        ("status-429", "status", "answered 429. It is asked too often"),
        ("status-500", "status", "answered 500. Try again later."),
        ("redirect", "status", "answered 307"),
        ("hangup", "unreachable", "cannot be reached"),
        ("slow", "timeout", "did not answer within 0.3 s"),
    ],
)
async def test_what_is_no_whole_answer_is_a_failure_without_secrets(
    stub: str, model: str, cause: str, said: str
) -> None:
    async with mind(stub, model, 0.3 if model == "slow" else 5) as asks:
        begun = time.monotonic()
        with pytest.raises(MindFailed, match=f"openai:{model}") as failed:
            await asks.complete(turn(WORDS))
        assert time.monotonic() - begun < 3
    error = failed.value
    assert isinstance(error, WireFailed)
    assert (error.mind, error.cause) == (f"openai:{model}", cause)
    assert said in str(error)
    seen = f"{error!r} {error.__cause__!r} {error.args!r}"
    assert KEY not in seen
    assert WORDS not in seen
    assert error.__cause__ is None


async def test_a_redirect_is_not_followed(stub: str) -> None:
    async with mind(stub, "redirect") as asks:
        with pytest.raises(MindFailed):
            await asks.complete(turn("Hi"))
    assert (await asked(stub))["path"] == "/v1/chat/completions"


async def test_nobody_there_is_a_failure_that_names_the_setting() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    async with mind(url, "ok") as asks:
        with pytest.raises(MindFailed, match=r"openai:ok cannot be reached at 127.0.0.1 .*OPENAI_BASE_URL"):
            await asks.complete(turn("Hi"))


async def test_what_is_thought_aloud_is_not_said(stub: str) -> None:
    async with mind(stub, "think") as asks:
        draft = await asks.complete(turn("Coming?"))
    assert [part.text for part in draft.parts] == ["Sure."]


@pytest.mark.parametrize(("model", "tokens"), [("no-usage", 0), ("lies", 10_000_000)])
async def test_missing_and_absurd_figures_are_bounded(stub: str, model: str, tokens: int) -> None:
    async with mind(stub, model) as asks:
        draft = await asks.complete(turn("Coming?"))
    assert (draft.tokens, draft.cached_tokens) == (tokens, 0)


async def test_tokens_are_counted_for_failed_answers_too(stub: str) -> None:
    labels = {"mind": "openai:truncated", "kind": "output"}
    before = metrics.REGISTRY.get_sample_value("tokens_used_total", labels) or 0
    async with mind(stub, "truncated") as asks:
        with pytest.raises(MindFailed):
            await asks.complete(turn("Coming?"))
    assert metrics.REGISTRY.get_sample_value("tokens_used_total", labels) == before + 7


async def test_many_at_once_and_after_closing(stub: str) -> None:
    async with mind(stub, "echo", 20) as asks:
        drafts = await asyncio.gather(*(asks.complete(turn(f"Number {number}")) for number in range(100)))
        assert [d.parts[0].text for d in drafts] == [f"You wrote: Number {number}" for number in range(100)]
        await asks.close()
        assert (await asks.complete(turn("Again"))).parts[0].text == "You wrote: Again"


async def test_a_lone_surrogate_is_no_reason_to_fail(stub: str) -> None:
    async with mind(stub, "echo") as asks:
        assert (await asks.complete(turn("a\ud800b"))).parts[0].text == "You wrote: a?b"


async def test_a_closed_wire_asks_nobody_but_this_machine(stub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "wire_open", False)
    async with mind("http://localhost.example.invalid/v1", "ok") as asks:
        with pytest.raises(MindFailed, match="the network is closed"):
            await asks.complete(turn("Hi"))
    async with mind(stub, "ok") as asks:
        assert (await asks.complete(turn("Hi"))).parts
