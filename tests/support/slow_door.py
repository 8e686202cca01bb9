"""A way to a server that lets nobody in at first, as a slow or cold line does: the kernel does not answer at all."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Door:
    """A base URL. Who knocks before it is open is let in when their kernel knocks again, a second later."""

    base: str
    opened: asyncio.Event

    def open_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.opened.set)


@asynccontextmanager
async def slow_door(base: str) -> AsyncIterator[Door]:
    """A closed door that leads to `base`."""
    async with AsyncExitStack() as stack:
        door = stack.enter_context(socket.socket())
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        door.setblocking(False)
        for _ in range(2):  # a full backlog: what else comes is dropped
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(door.getsockname())
        opened = asyncio.Event()
        opening = asyncio.create_task(_open(door, base, opened))
        stack.push_async_callback(asyncio.wait, [opening])
        stack.callback(opening.cancel)
        yield Door(f"http://127.0.0.1:{door.getsockname()[1]}", opened)


async def _open(door: socket.socket, base: str, opened: asyncio.Event) -> None:
    await opened.wait()
    async with asyncio.TaskGroup() as guests:
        while True:
            guest, _ = await asyncio.get_running_loop().sock_accept(door)
            guests.create_task(_lead(guest, base))


async def _lead(guest: socket.socket, base: str) -> None:
    """Carry bytes both ways until both sides have ended."""
    target = urlsplit(base)
    here, back = await asyncio.open_connection(sock=guest)
    with closing(back):
        there, forth = await asyncio.open_connection(target.hostname, target.port)
        with closing(forth):
            await asyncio.gather(_carry(here, forth), _carry(there, back))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
