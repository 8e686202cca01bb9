"""Bare routes on a port of their own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from secondme.web.asgi import Bare
from secondme.web.lines import Door


@asynccontextmanager
async def on_a_port(app: Bare) -> AsyncIterator[int]:
    """Served as a service serves them, until the block ends."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    door = Door(app)
    serving = asyncio.create_task(door.serve(bound))
    try:
        yield bound.getsockname()[1]
    finally:
        door.stop()
        await serving
