"""A phone network in a process of its own, at its worst: `python network.py` prints its two ports and serves.

The first segment of a path says how it behaves: `POST /drop/messages` is read and the connection closed.
`GET /log` tells what arrived. The second port accepts connections and reads nothing between `GET /hold` and
`GET /read`; each answers what has come in through it since the other.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

type Writer = asyncio.StreamWriter
log: list[dict[str, Any]] = []
reading = asyncio.Event()
unread = {"connections": 0, "bytes": 0}


async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
    """One request a connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.decode("latin-1").split(" ", 2)
        length = next(
            (int(line.split(":")[1]) for line in head.decode("latin-1").lower().split("\r\n")
             if line.startswith("content-length:")), 0
        )  # fmt: skip
        body = await reader.readexactly(length)
        if method == "GET":
            await control(path, writer)
        else:
            log.append({"path": path, "body": json.loads(body), "head": head.decode("latin-1")})
            await BEHAVIOURS.get(path.split("/")[1], status)(path, log[-1]["body"], writer)
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            log.append({"path": "", "body": None, "head": cut.partial.decode("latin-1")})
    except ConnectionError:
        pass
    finally:
        writer.close()


async def control(path: str, writer: Writer) -> None:
    if path == "/log":
        await respond(writer, 200, json.dumps(log).encode())
    elif path in ("/read", "/hold"):
        reading.set() if path == "/read" else reading.clear()
        await respond(writer, 200, json.dumps(unread).encode())
        unread.update(connections=0, bytes=0)
    else:
        await respond(writer, int(path.split("/")[1]) if path[1:4].isdigit() else 200, b"{}")


async def respond(writer: Writer, code: int, body: bytes, more: str = "", length: int | None = None) -> None:
    head = f"HTTP/1.1 {code} X\r\nContent-Type: application/json\r\n{more}"
    size = len(body) if length is None else length
    writer.write(f"{head}Content-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()


async def status(path: str, body: Any, writer: Writer) -> None:
    """`/404/messages` answers 404; one in the 300s points at `/ok/messages`."""
    await respond(writer, int(path.split("/")[1]), b'{"error": "no"}', "Location: /ok/messages\r\n")


async def ok(path: str, body: Any, writer: Writer) -> None:
    """Taken, in the words of each network at once."""
    own = f"net-{body.get('callback') or body.get('biz_opaque_callback_data')}"
    await respond(writer, 200, json.dumps({"messageId": own, "messages": [{"id": own}]}).encode())


async def drop(path: str, body: Any, writer: Writer) -> None:
    pass


async def reset(path: str, body: Any, writer: Writer) -> None:
    taken = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def garbage(path: str, body: Any, writer: Writer) -> None:
    writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")


async def page(path: str, body: Any, writer: Writer) -> None:
    await respond(writer, 200, b"<html>Please log in to this wireless network.</html>")


async def array(path: str, body: Any, writer: Writer) -> None:
    await respond(writer, 200, b"[]")


async def anonymous(path: str, body: Any, writer: Writer) -> None:
    await respond(writer, 200, b'{"messageId": 7, "messages": [{"id": 7}]}')


async def half(path: str, body: Any, writer: Writer) -> None:
    await respond(writer, 200, b'{"messageId": "net', length=1000)


async def silent(path: str, body: Any, writer: Writer) -> None:
    await asyncio.sleep(30)


async def endless(path: str, body: Any, writer: Writer) -> None:
    await respond(writer, 200, b"{", length=1000)
    await asyncio.sleep(30)


Behaviour = Callable[[str, Any, Writer], Awaitable[None]]
BEHAVIOURS: dict[str, Behaviour] = {
    f.__name__: f for f in (ok, drop, reset, garbage, page, array, anonymous, half, silent, endless)
}


async def hear(taken: socket.socket) -> None:
    """Take connections, and read them while that is allowed."""
    loop = asyncio.get_running_loop()
    while True:
        connection, _ = await loop.sock_accept(taken)
        unread["connections"] += 1
        asyncio.create_task(drain(connection)).add_done_callback(lambda task: task.exception())


async def drain(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while await reading.wait() and (chunk := await loop.sock_recv(connection, 65536)):
        unread["bytes"] += len(chunk)


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.bind(("127.0.0.1", 0))
    deaf.listen()
    deaf.setblocking(False)
    print(server.sockets[0].getsockname()[1], deaf.getsockname()[1], flush=True)
    await hear(deaf)


if __name__ == "__main__":
    asyncio.run(main())
