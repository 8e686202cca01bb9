"""What ends with a process has to end, also where a library loses the first word of it."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from secondme.cli import running
from secondme.cli.halting import Halt
from secondme.domain.errors import StoreUnavailable
from secondme.services import Runner, ended
from secondme.settings import Settings
from secondme.wiring import App
from tests.support.world import World


async def test_nothing_is_announced_to_somebody_who_pressed_ctrl_c_as_the_start_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    halt, said = Halt(), list[str]()

    async def start(runner: Runner) -> bool:
        halt.ask()
        return True

    async def announce(app: App) -> None:
        said.append("SecondMe is running.")

    monkeypatch.setattr(running, "_start", start)
    nothing_open = cast(App, SimpleNamespace(settings=Settings.model_validate({}), stores=None))
    await running._serve(nothing_open, (), halt, said.append, announce)
    assert said == ["Stopping: finishing what is under way …"]


async def test_a_cancellation_that_a_rollback_lost_is_repeated(world: World) -> None:
    """Postgres has just dropped the connection: what the rollback says of that takes the cancellation's place, and a
    loop that outlives outages goes on."""
    connections: asyncio.Queue[int] = asyncio.Queue()

    async def loop() -> None:
        while True:
            try:
                async with world.ledger.transaction() as tx:
                    connections.put_nowait(await tx.fetchval("SELECT pg_backend_pid()"))
                    await asyncio.sleep(60)
            except StoreUnavailable:
                pass

    async def drop() -> None:
        await world.value("SELECT pg_terminate_backend($1, 5000)", await connections.get())

    task = asyncio.create_task(loop())
    async with asyncio.timeout(10):
        await drop()
        task.cancel()
        await drop()  # for it is at work again, as if nobody had cancelled it
        await ended([task])
    assert task.cancelled()
