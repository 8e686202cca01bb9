"""Being asked to stop: by Ctrl-C, by SIGTERM, by a closed terminal, or by the death of a supervisor."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

LIFELINE = "SECONDME_LIFELINE"  # the descriptor whose other end the supervisor holds
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Halt:
    """`asked` is set by the first request to stop, `pressed` by a second one: do not wait any longer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.pressed = asyncio.Event()

    def listen(self) -> None:
        """From now on take signals, and watch the supervisor where there is one."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            # nohup stays nohup. But a shell that starts us in the background ignores SIGINT, and yet a SIGINT
            # that comes is meant.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.ask)
        if lifeline := os.environ.pop(LIFELINE, None):
            loop.add_reader(int(lifeline), self._abandoned, int(lifeline))

    def ask(self) -> None:
        (self.pressed if self.asked.is_set() else self.asked).set()

    def _abandoned(self, lifeline: int) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        self.asked.set()

    async def unless_asked[T](self, work: Coroutine[Any, Any, T]) -> T | None:
        """What `work` returns; None when asked to stop meanwhile: it was then cancelled and has ended."""
        return await _unless(self.asked, work)

    async def unless_pressed[T](self, work: Coroutine[Any, Any, T]) -> T | None:
        """What `work` returns; None when nobody wants to wait for it any longer."""
        return await _unless(self.pressed, work)


async def _unless[T](event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    if event.is_set():
        work.close()
        return None
    task, happened = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    await asyncio.wait({task, happened}, return_when=asyncio.FIRST_COMPLETED)
    happened.cancel()
    if not task.done():
        task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return None
