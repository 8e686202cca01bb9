"""What is told after a commit, and how loops wait: bounded in time, whatever Redis does."""

import asyncio
import socket
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from secondme.domain.persona import RELATIONSHIPS, Persona
from secondme.domain.turn import Contact
from secondme.pipeline.doorbell import Doorbell
from secondme.pipeline.effects import MESSAGES, Effects
from secondme.pipeline.recall import choose
from secondme.ports import Bell
from secondme.stores.ledger import voices
from secondme.stores.signals import RedisSignals
from tests.support.world import World


async def test_a_redis_that_hangs_does_not_hold_a_stop_up(world: World) -> None:
    """Each counter waited out its own time limit, one after another."""
    server = socket.create_server(("127.0.0.1", 0))  # takes connections, and never says a word
    signals = RedisSignals(f"redis://127.0.0.1:{server.getsockname()[1]}/0")
    effects = Effects(signals, world.turns._effects._audit, world.ledger.vault)
    for number in range(20):
        effects._waiting.counters[f"c-{number}"] = 1
        effects._ring(f"{MESSAGES}:{number}", Bell("m", "c", "message:m", 1, "incoming", False))
    began = time.monotonic()
    await effects.told()
    assert time.monotonic() - began < 3
    await asyncio.sleep(0)
    assert effects._telling is None
    await signals.close()
    server.close()


async def test_an_unusual_model_does_not_undo_what_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.mind, "name", "Llama 3 (Q4)", raising=False)
    await world.says("hi")
    await world.settled()
    await asyncio.sleep(0.1)
    (file,) = (world.folder / "logs").glob("audit-*.jsonl")
    assert '"event":"delivery.sent"' in file.read_text()


async def test_a_moment_that_has_passed_is_no_reason_to_spin(world: World) -> None:
    bell, began = Doorbell(world.signals, MESSAGES, "spins"), time.monotonic()
    now = world.clock.now()
    for _ in range(5):
        await bell.wait_until(now - timedelta(seconds=1), now)
    assert time.monotonic() - began >= 0.1


def _persona(name: str, *applies: str) -> Persona:
    return Persona(name, name, "casual", "Short and warm. " * 10, ("hey", "ok", "yes"), applies)


@pytest.mark.parametrize(
    ("own_choice", "expected"), [(None, voices.OWN), ("formal", "formal"), ("gone", voices.OWN)]
)
def test_the_learned_voice_comes_before_the_relationship(own_choice: str | None, expected: str) -> None:
    found = choose(
        [_persona("casual", RELATIONSHIPS[0]), _persona("formal"), _persona(voices.OWN)],
        Contact(uuid4(), None, True, RELATIONSHIPS[0], own_choice),
    )
    assert found is not None
    assert found.id == expected
