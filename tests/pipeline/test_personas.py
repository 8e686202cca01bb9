"""Personas in two tiers: nobody asks the ledger for what is known, and every process knows of a change at once."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from secondme.domain.persona import Persona
from secondme.embedded import Addresses
from secondme.pipeline import personas as module
from secondme.pipeline.personas import Personas
from secondme.profiles.personas import CASUAL, DEFAULT_PERSONAS
from secondme.stores.ledger import Ledger, voices
from secondme.stores.signals import RedisSignals
from secondme.stores.vault import KeyRing, new_key
from tests.support.stores import copy_of, drop_database, flush
from tests.support.world import MovableClock

pytestmark = pytest.mark.timeout(60)
KEY = f"CACHE:persona:{CASUAL.id}"
# Another process: it listens, and prints the casual tone whenever it is asked by a line.
CHILD = """
import asyncio, os, sys
from secondme.observe.logs import configure
from secondme.pipeline import personas as module
from secondme.stores.ledger import Ledger
from secondme.stores.signals import RedisSignals
from secondme.stores.vault import KeyRing

async def main():
    configure("test", stderr=False)
    module._LOOK_EVERY = 60.0
    ledger = await Ledger.open(os.environ["DSN"], KeyRing.parse(os.environ["RING"]))
    signals = RedisSignals(os.environ["REDIS"])
    personas = module.Personas(ledger, signals)
    listening = asyncio.create_task(personas.listen())
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print({p.id: p.tone for p in await personas.all()}["persona-casual"], flush=True)
    listening.cancel()

asyncio.run(main())
"""


@dataclass
class Desk:
    """The stores of one instance, and how another process opens them."""

    ledger: Ledger
    signals: RedisSignals
    redis: Redis
    places: dict[str, str]

    async def change(self, persona: Persona, *, tell: bool = True) -> None:
        """As an import does it."""
        async with self.ledger.transaction() as tx:
            await voices.put_persona(tx, self.ledger.vault, persona, MovableClock().now())
            await voices.changed(tx)
        if tell:
            await self.signals.drop_personas([persona.id])


@pytest_asyncio.fixture
async def desk(addresses: Addresses, template: str) -> AsyncIterator[Desk]:
    ring, redis_url = new_key_text(), addresses.redis_url or ""
    dsn = await copy_of(addresses.database_url or "", template)
    await flush(redis_url)
    ledger, signals = await Ledger.open(dsn, KeyRing.parse(ring)), RedisSignals(redis_url)
    async with ledger.transaction() as tx:
        for persona in DEFAULT_PERSONAS:
            await voices.put_persona(tx, ledger.vault, persona, MovableClock().now())
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield Desk(ledger, signals, redis, {"DSN": dsn, "RING": ring, "REDIS": redis_url})
    await signals.close()
    await ledger.close()
    await drop_database(addresses.database_url or "", urlsplit(dsn).path[1:])


def new_key_text() -> str:
    return new_key().hex()


@asynccontextmanager
async def another_process(desk: Desk) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**desk.places, "PYTHONPATH": ":".join(sys.path)},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def tone(child: asyncio.subprocess.Process) -> str:
    assert child.stdin
    assert child.stdout
    child.stdin.write(b"\n")
    return (await child.stdout.readline()).decode().strip()


async def test_another_process_knows_at_once(desk: Desk) -> None:
    """The child looks at the ledger only once a minute by itself: it has been told."""
    async with another_process(desk) as child:
        assert await tone(child) == "casual"
        while not (await desk.redis.pubsub_numsub("events:personas"))[0][1]:
            assert await tone(child) == "casual"
        for wanted in ("formal", "concise"):
            await desk.change(replace(CASUAL, tone=wanted))
            begun = time.monotonic()
            while await tone(child) != wanted:
                assert time.monotonic() - begun < 2
            assert json.loads(await desk.redis.get(KEY) or "")["tone"] == wanted
            assert 1790 <= await desk.redis.ttl(KEY) <= 1800


async def test_what_redis_has_is_not_asked_of_the_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await Personas(desk.ledger, desk.signals).all()
    loads = []
    monkeypatch.setattr(voices, "personas", lambda *_: loads.append(1))
    second = Personas(desk.ledger, desk.signals)
    assert await second.all() == first == await second.all()
    assert loads == []


@pytest.mark.parametrize("spoilt", ["", "[]", "{}", "tone", "version", "other"])
async def test_what_is_not_the_ledgers_is_not_believed(desk: Desk, spoilt: str) -> None:
    """Somebody else's text in the cache must not reach a prompt, nor what was true before."""
    known = await Personas(desk.ledger, desk.signals).all()
    kept = json.loads(await desk.redis.get(KEY) or "")
    if spoilt == "tone":
        await desk.redis.set(KEY, json.dumps({**kept, "tone": "formal"}))
    elif spoilt == "version":
        await desk.change(replace(CASUAL, tone="formal"), tell=False)
        known = [replace(p, tone="formal") if p.id == CASUAL.id else p for p in known]
    elif spoilt == "other":  # a whole one of ours, under another's id
        await desk.redis.set(KEY, await desk.redis.get("CACHE:persona:persona-family") or "")
    else:
        await desk.redis.set(KEY, spoilt)
    assert await Personas(desk.ledger, desk.signals).all() == known


async def test_a_word_that_was_missed_is_made_up_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.05)
    personas = Personas(desk.ledger, desk.signals)
    await personas.all()
    await desk.change(replace(CASUAL, tone="formal"), tell=False)
    await asyncio.sleep(0.06)
    assert {p.id: p.tone for p in await personas.all()}[CASUAL.id] == "formal"


async def test_without_redis_the_ledger_is_enough(desk: Desk) -> None:
    nowhere = RedisSignals("redis://127.0.0.1:1")
    assert len(await Personas(desk.ledger, nowhere).all()) == len(DEFAULT_PERSONAS)
    await nowhere.close()
