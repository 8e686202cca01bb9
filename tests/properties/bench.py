"""The product under a clock that a test moves, and restarted at will."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import time_machine

from secondme.settings import Settings
from tests.properties.product import Product
from tests.support.world import Phones


class Bench:
    """What outlives a restart: the loop, the clock, the phones, the stores' addresses."""

    def __init__(self, options: Settings, clock: time_machine.Traveller) -> None:
        self.options = options
        self.clock = clock
        self.phones = Phones()
        self.runner = asyncio.Runner()
        self.process = AsyncExitStack()
        self.product = self.start()

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def start(self) -> Product:
        return self.do(self.process.enter_async_context(Product.run(self.options, self.phones)))

    def restart(self) -> None:
        """Everything that the process knew is gone."""
        self.do(self.process.aclose())
        self.process = AsyncExitStack()
        self.product = self.start()

    def close(self) -> None:
        self.do(self.process.aclose())
        self.runner.close()
