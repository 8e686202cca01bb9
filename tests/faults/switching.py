"""Presses of the switch under load: what the network saw after a press had returned, and what it may have seen."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.audit import read_log
from tests.faults.children import Talker
from tests.faults.instance import Instance

_MS = 1_000_000


@dataclass
class Presses:
    """A person at the switch, and what was seen so far. `late` holds bytes that nobody had named."""

    instance: Instance
    presser: Talker
    chance: Random
    pressed: int = 0
    under_load: int = 0  # presses with bytes within the 100 ms before
    named: int = 0
    slowest: float = 0.0  # seconds that a press took
    late: list[str] = field(default_factory=list)
    _offset: int = 0

    @classmethod
    @asynccontextmanager
    async def at(cls, instance: Instance, seed: str, proxy: str | None = None) -> AsyncIterator["Presses"]:
        """Somebody at the switch, who reaches Postgres through `proxy` if one is named."""
        settings = instance.settings_through(proxy) if proxy else instance.settings
        presser = Talker(settings, instance.folder, "tests.faults.presser")
        instance.talkers.append(presser)
        assert await presser.line() == "ready"
        yield cls(instance, presser, Random(seed))

    async def load(self, longer: float = 0.5) -> None:
        """Let people write until something leaves, and then for a random moment, at most so many seconds."""
        whole, deadline = (await self.instance.state())["whole"], time.monotonic() + 30
        while (await self.instance.state())["whole"] == whole:
            assert time.monotonic() < deadline, "nothing leaves after a resume"
            await asyncio.sleep(0.01)
        await asyncio.sleep(self.chance.uniform(0, longer))

    async def press(self) -> dict[str, Any]:
        """Press, and remember it."""
        answer = await self.presser.ask("press", 60)
        assert "error" not in answer, answer
        self.pressed += 1
        self.named += len(answer["named"])
        self.slowest = max(self.slowest, (answer["returned"] - answer["called"]) / 1e9)
        return answer

    async def resume(self, press: dict[str, Any]) -> None:
        """Resume, then look at what the network saw between the two."""
        answer = await self.presser.ask("resume", 60)
        assert "error" not in answer, answer
        self._compare(press, answer["called"])

    def _compare(self, press: dict[str, Any], until: int) -> None:
        lines, self._offset = read_log(self.instance.folder / "network.log", self._offset)
        requests = [line for line in lines if line["what"] == "request"]
        before = [r for r in requests if press["called"] - 100 * _MS < r["last"] <= press["called"]]
        self.under_load += bool(before)
        for request in requests:
            seen = [m for m in (request["first"], request["last"]) if press["returned"] < m < until]
            callback = request["body"]["callback"] if request["whole"] else request["seen"]
            if seen and callback not in press["named"]:
                seconds = (max(seen) - press["returned"]) / 1e9
                self.late.append(f"{callback} {seconds:.3f} s after press {self.pressed}")

    def figures(self) -> dict[str, Any]:
        """For the report."""
        return {
            "pressed": self.pressed,
            "under load": self.under_load,
            "named": self.named,
            "slowest press": round(self.slowest, 2),
            "late": len(self.late),
        }
