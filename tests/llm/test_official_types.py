"""Everything that we send is known to the official SDKs' types, down to the last key; the stubs would say if not."""

import json
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from secondme.domain.errors import MindFailed
from secondme.llm.embeddings import ApiEmbedder
from secondme.llm.providers import PROVIDERS
from tests.llm.asking import asked, forget, mind, model, requests
from tests.llm.test_openai_wire import QUESTION, Found, Open
from tests.llm.turns import PERSONA, examples, lines, turn

FULL = turn("Coming?", "Are you?", window=lines("Hi", "hey", "There?"), persona=PERSONA)
OPENAI = sorted(name for name, row in PROVIDERS.items() if row.wire == "openai")
# Whatever the schema of a form holds is JSON Schema's business, not the SDK's.
FREE = {"schema", "input_schema"}


async def _talk(url: str, provider: str, **more: Any) -> list[Any]:
    """Every body of a talk, a form, an open form and a repair."""
    if PROVIDERS[provider].takes_temperature:
        more["temperature"] = 0.4
    await forget(url)
    async with mind(url, "ok", provider, **more) as asks:
        await asks.complete(FULL)
        await asks.complete(turn("Hi", examples=examples("hey you")))
        await asks.extract(Found, QUESTION)
        await asks.extract(Open, QUESTION)
    async with mind(url, "misfit-999", provider, **more) as asks:
        try:
            await asks.extract(Found, QUESTION)
        except MindFailed as error:
            assert error.cause == "misfit"
    return await requests(url)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body an object stands that the SDK describes."""
    if isinstance(value, dict):
        yield path
        inside = [(name, inner) for name, inner in value.items() if name not in FREE]
    else:
        inside = list(enumerate(value)) if isinstance(value, list) else []
    for name, inner in inside:
        yield from places(inner, (*path, name))


def with_nonsense(body: Any, path: tuple[Any, ...]) -> Any:
    found = place = deepcopy(body)
    for step in path:
        place = place[step]
    place["nonsense"] = 1
    return found


class Server:
    """A stub, asked directly."""

    def __init__(self, session: aiohttp.ClientSession, url: str, path: str) -> None:
        self._session = session
        self._url = f"{url}{path}"

    async def status(self, body: Any, headers: dict[str, str]) -> int:
        async with self._session.post(self._url, json=body, headers=headers) as answer:
            return answer.status

    async def refuses_nonsense(self, request: Any) -> int:
        """In how many places of a request an unknown key was tried; each must be refused."""
        kept = ("Authorization", "x-api-key", "anthropic-version", "X-Title")
        headers = {name: value for name, value in request["headers"].items() if name in kept}
        assert await self.status(request["body"], headers) == 200
        found = list(places(request["body"]))
        for path in found:
            status = await self.status(with_nonsense(request["body"], path), headers)
            assert status == 400, f"{json.dumps(request['body'])}: a key too many at {path} was taken"
        return len(found)


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize(
    ("provider", "json_mode", "system"),
    [*((name, "schema", True) for name in OPENAI), ("openai", "object", False), ("openai", "prompt", True)],
)
async def test_openais_types_know_all_that_we_send(
    openai_stub: str, session: aiohttp.ClientSession, provider: str, json_mode: str, system: bool
) -> None:
    sent = await _talk(openai_stub, provider, json_mode=json_mode, system=system)
    assert len(sent) == 6
    stub = Server(session, openai_stub, "/chat/completions")
    for request in sent[:4]:
        assert await stub.refuses_nonsense(request) >= 2


async def test_nor_more_than_openrouter_adds_to_them(
    openai_stub: str, session: aiohttp.ClientSession
) -> None:
    async with mind(openai_stub, "anthropic/ok", "openrouter") as asks:
        await asks.complete(FULL)
    request = await asked(openai_stub)
    marked = [path for path in places(request["body"]) if path[-1:] == ("cache_control",)]
    assert len(marked) == 2
    stub = Server(session, openai_stub, "/chat/completions")
    plain = {"headers": {"X-Title": "SecondMe"}, "body": deepcopy(request["body"])}
    for message in plain["body"]["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else ():
            part.pop("cache_control", None)
    await stub.refuses_nonsense(plain)
    assert await stub.status(request["body"], {}) == 400, "OpenAI itself does not know it"


async def test_openais_types_know_what_we_send_for_embeddings(
    openai_stub: str, session: aiohttp.ClientSession
) -> None:
    for dimension in (None, 256):
        embedder = ApiEmbedder(model(openai_stub, "embed"), dimension)
        await embedder.embed(["a", "b"])
        await embedder.close()
        stub = Server(session, openai_stub, "/embeddings")
        assert await stub.refuses_nonsense(await asked(openai_stub)) == 1


@pytest.mark.parametrize("system", [True, False])
async def test_anthropics_types_know_all_that_we_send(
    anthropic_stub: str, session: aiohttp.ClientSession, system: bool
) -> None:
    sent = await _talk(anthropic_stub, "anthropic", system=system)
    assert len(sent) == 6
    stub = Server(session, anthropic_stub, "/v1/messages")
    for request in sent[:4]:
        assert await stub.refuses_nonsense(request) >= 2
