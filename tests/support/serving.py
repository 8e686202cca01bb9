"""An application on a port of its own, served as the product serves it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from secondme.web.sockets import options


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """The port on loopback."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, **options(app)))
    task = asyncio.create_task(server._serve(sockets=[bound]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                assert not task.done(), task
                await asyncio.sleep(0.01)
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        await task
