"""Minds in front of the stubs, and what the stubs were asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from pydantic import BaseModel

from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Part, Turn
from secondme.llm.model_mind import ModelMind
from secondme.llm.providers import PROVIDERS, Model
from secondme.ports import Extraction, Question, Spent
from tests.llm.turns import turn

KEY = "sk-CANARY-KEY"
WORDS = "CANARY-WORDS"


def model(url: str, name: str, provider: str = "openai", **more: Any) -> Model:
    return Model(PROVIDERS[provider], name, url, KEY, **{"timeout": 5.0, **more})


@asynccontextmanager
async def mind(url: str, name: str, provider: str = "openai", **more: Any) -> AsyncIterator[ModelMind]:
    found = ModelMind(model(url, name, provider, **more))
    try:
        yield found
    finally:
        await found.close()


async def requests(stub: str) -> list[Any]:
    """Everything that the stub was asked, oldest first; the last thousand."""
    url = f"{stub.removesuffix('/v1')}/requests"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found: list[Any] = await answer.json()
    return found


async def forget(stub: str) -> None:
    """Let the stub begin its list anew, which is too short for all that a session asks, and its cache."""
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{stub.removesuffix('/v1')}/requests")


async def asked(stub: str) -> Any:
    """What it was asked last."""
    return (await requests(stub))[-1]


async def switched(stub: str, model: str) -> None:
    """From now on the stub's model `switch` behaves as another one."""
    async with aiohttp.ClientSession() as session:
        await session.post(f"{stub.removesuffix('/v1')}/switch", data=model)


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=self.seconds)


class Notes:
    """The Usage port in memory, for tests that have no ledger."""

    def __init__(self) -> None:
        self.spent: list[Spent] = []
        self.told = False

    async def record(self, day: object, spent: Sequence[Spent]) -> None:
        self.spent += spent

    async def used(self, day: object, contact_id: object) -> tuple[int, int]:
        theirs = sum(one.tokens for one in self.spent if one.contact_id == contact_id)
        return sum(one.tokens for one in self.spent), theirs

    async def handed_over(self, contact_id: object, since: object) -> bool:
        return self.told


class Said:
    """A FullMind that says its name, fails, hangs, or waits to be let go."""

    def __init__(self, name: str, *, fails: str | None = None, seconds: float = 0, tokens: int = 100) -> None:
        self.name = name
        self.fails = fails
        self.seconds = seconds
        self.tokens = tokens
        self.asked = 0

    async def complete(self, asked: Turn) -> Draft:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.fails:
            error = MindFailed(f"{self.name} {self.fails}.")
            error.cause, error.tokens = self.fails, self.tokens
            raise error
        return Draft((Part(self.name, asked.messages[-1].id),), self.name, self.tokens)

    async def extract[T: BaseModel](self, schema: type[T], question: Question) -> Extraction[T]:
        draft = await self.complete(turn("x"))
        return Extraction(schema(), self.name, draft.tokens)

    async def close(self) -> None: ...
