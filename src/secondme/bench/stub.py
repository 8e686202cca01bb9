"""The outside in a process of its own, for us and for peers alike: a mind, and a network that takes every message.

`/…/chat/completions` is answered after the delay, in OpenAI's words; `/delay/MILLISECONDS` sets it; anything else
counts as a message sent and is answered as Meta's API and the simulator's network answer, at once.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import cast

import aiohttp
import uvloop

from secondme.bench.lab import BenchFailed, environment

_UP = 20.0  # seconds
_COMPLETION = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Sure, seven works for me! See you at the station.",
                },
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 400, "completion_tokens": 20, "total_tokens": 420},
    }
).encode()


def _http(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_ANSWER = _http(_COMPLETION)


class _Outside:
    delay = 0.0  # seconds
    sent = 0


class _Line(asyncio.Protocol):
    """One connection; requests on it may be pipelined."""

    def __init__(self, outside: _Outside) -> None:
        self._outside = outside
        self._buffer = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods alone

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, told, rest = head.partition(b"content-length:")
            whole = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if told else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        outside = self._outside
        if path.endswith(b"/chat/completions"):
            if outside.delay:
                asyncio.get_running_loop().call_later(outside.delay, self._transport.write, _ANSWER)
            else:
                self._transport.write(_ANSWER)
        elif path.startswith(b"/delay/"):
            outside.delay = int(path.rpartition(b"/")[2]) / 1000
            self._transport.write(_http(b"{}"))
        else:
            outside.sent += 1
            name = f"wamid.{outside.sent}"
            said = {"messaging_product": "whatsapp", "messages": [{"id": name}], "messageId": name}
            self._transport.write(_http(json.dumps(said).encode()))


@dataclass(frozen=True, slots=True)
class Stub:
    """A running one."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def delay(self, seconds: float) -> None:
        """How long a reply is thought about from now on."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/delay/{seconds * 1000:.0f}") as answer,
        ):
            answer.raise_for_status()


@asynccontextmanager
async def outside(folder: Path, port: int = 0) -> AsyncIterator[Stub]:
    """A stub until the block ends, on `port` or on a free one. Raises BenchFailed where it does not come up."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "secondme.bench.stub", str(port)),
        cwd=folder,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,  # closes with us, however we end
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout
        begun = monotonic()
        async with asyncio.timeout(_UP):
            line = await process.stdout.readline()
        if not line:
            raise BenchFailed(
                f"The stub for minds did not start within {monotonic() - begun:.0f} s: port {port}?"
            )
        yield Stub(int(line), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _serve(port: int) -> None:
    world = _Outside()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Line(world), "127.0.0.1", port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
