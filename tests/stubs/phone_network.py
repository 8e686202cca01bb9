"""A phone network of its own: takes what the gateway sends, plays the people who write, and keeps a log.

`python -m tests.stubs.phone_network LOG` prints its base URL and serves until its end. LOG is append-only, one
JSON object a line, each written before anything is answered. Moments are CLOCK_MONOTONIC in nanoseconds, which all
processes of a machine share:

    {"what": "request", "first": …, "last": …, "wall": …, "whole": true, "body": {…}, "id": "net-7"}
    {"what": "accepted", "at": …, "from": "+1555…", "id": "p3-12", "text": "…", "tries": 1}

A request is logged when its last byte has come, or, not whole, when its connection ends before that. `GET /health`
is no message and not logged. `GET /state` tells what is under way (`posting` is what the gateway has not taken yet);
`POST /control` takes any of

    gateway   base URL of the gateway that people write to
    people    how many write                     quota    how many messages each may send, from the first one on
    think     seconds from one's 200 to one's next message, at most
    delay     seconds until a message is answered  statuses whether what arrived is reported as delivered
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp

_AGAIN = (0.05, 0.25)  # seconds until something that was not answered with 200 is delivered again
_PATIENCE = aiohttp.ClientTimeout(total=3)
_REPEATED = 0.1  # share of accepted messages that are delivered once more, as networks do


class Log:
    """Lines that are written whole, one system call each."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, what: str, **fields: Any) -> None:
        os.write(self._file, json.dumps({"what": what, **fields}).encode() + b"\n")


class People:
    """Everybody who writes, one message at a time: the next when the one before was answered with 200."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._session: aiohttp.ClientSession | None = None
        self._living: list[asyncio.Task[None]] = []
        self._beside: set[asyncio.Task[int]] = set()
        self._allowed = asyncio.Condition()
        self.gateway = ""
        self.quota = 0
        self.think = 0.0
        self.accepted = 0
        self._writing = 0

    async def change(self, gateway: str | None, people: int, quota: int | None, think: float | None) -> None:
        self.gateway = gateway if gateway is not None else self.gateway
        self.think = think if think is not None else self.think
        while len(self._living) < people:
            self._living.append(asyncio.create_task(self._live(len(self._living))))
        async with self._allowed:
            self.quota = quota if quota is not None else self.quota
            self._allowed.notify_all()

    @property
    def posting(self) -> int:
        """Messages that somebody thinks of or posts, their repetitions, and statuses."""
        return self._writing + len(self._beside)

    async def _live(self, person: int) -> None:
        number = 0
        while True:
            async with self._allowed:
                await self._allowed.wait_for(lambda mine=number: mine < self.quota)  # type: ignore[misc]
            self._writing += 1
            await asyncio.sleep(random.uniform(0, self.think))
            message = self._message(person, number)
            tries = await self._deliver("messages", message)
            self._writing -= 1
            self.accepted += 1
            fields = {"from": message["from"], "id": message["messageId"], "text": message["text"]}
            self._log.write("accepted", at=time.monotonic_ns(), tries=tries, **fields)
            if random.random() < _REPEATED:
                self._start(self._deliver("messages", message))
            number += 1

    def _message(self, person: int, number: int) -> dict[str, str]:
        return {
            "from": f"+1555010{person:04d}",
            "name": f"Person {person}",
            "text": f"number {number} of person {person}",
            "messageId": f"p{person}-{number}",
        }

    def report(self, message_id: str, callback: str) -> None:
        """Tell the gateway, until it takes it, that one of its messages was delivered."""
        status = {"messageId": message_id, "callback": callback, "status": "delivered"}
        self._start(self._deliver("statuses", status))

    def _start(self, delivery: Coroutine[Any, Any, int]) -> None:
        task = asyncio.create_task(delivery)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _deliver(self, path: str, body: dict[str, str]) -> int:
        """Post until it is answered with 200; returns how often it was tried."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_PATIENCE)
        tries = 0
        while True:
            tries += 1
            try:
                async with self._session.post(f"{self.gateway}/simulator/{path}", json=body) as answer:
                    if answer.status == 200:
                        return tries
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await asyncio.sleep(random.uniform(*_AGAIN))


class Network:
    """What takes messages."""

    def __init__(self, log: Log, people: People) -> None:
        self.log = log
        self._people = people
        self.delay = 0.0
        self.statuses = False
        self.whole = 0

    async def respond(self, method: str, path: str, body: bytes, first: int, last: int) -> dict[str, Any]:
        """The answer, when its moment has come."""
        if (method, path) == ("POST", "/messages"):
            return await self._take(json.loads(body), first, last)
        if (method, path) == ("POST", "/control"):
            return await self._control(json.loads(body))
        if (method, path) == ("GET", "/state"):
            people = self._people
            return {"accepted": people.accepted, "posting": people.posting, "whole": self.whole}
        return {"ok": path == "/health"}

    async def _take(self, body: dict[str, str], first: int, last: int) -> dict[str, Any]:
        self.whole += 1
        message_id = f"net-{self.whole}"
        self.log.write(
            "request", first=first, last=last, wall=time.time_ns(), whole=True, body=body, id=message_id
        )
        await asyncio.sleep(self.delay)
        if self.statuses and body["type"] == "text":
            self._people.report(message_id, body["callback"])
        return {"messageId": message_id}

    async def _control(self, wish: dict[str, Any]) -> dict[str, Any]:
        self.delay = wish.get("delay", self.delay)
        self.statuses = wish.get("statuses", self.statuses)
        await self._people.change(
            wish.get("gateway"), wish.get("people", 0), wish.get("quota"), wish.get("think")
        )
        return {"ok": True}


class Connection(asyncio.Protocol):
    """One connection, read by hand, so that the moment of each request's first byte is known."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._transport: asyncio.Transport | None = None
        self._read = b""
        self._first = self._last = 0
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._last = time.monotonic_ns()
        if not self._read:
            self._first = self._last
        self._read += data
        while request := self._next():
            task = asyncio.create_task(self._answer(*request, self._first, self._last))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            self._first = self._last

    def connection_lost(self, error: Exception | None) -> None:
        if self._read:
            seen = self._read.decode(errors="replace")
            self._network.log.write(
                "request", first=self._first, last=self._last, wall=time.time_ns(), whole=False, seen=seen
            )

    def _next(self) -> tuple[str, str, bytes] | None:
        """Method, path and body of the next whole request."""
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end:
            return None
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return None
        self._read = rest[length:]
        method, path, _ = lines[0].split(" ", 2)
        return method, path, rest[:length]

    async def _answer(self, method: str, path: str, body: bytes, first: int, last: int) -> None:
        text = json.dumps(await self._network.respond(method, path, body, first, last)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + text)


async def serve(path: Path) -> None:
    log = Log(path)
    people = People(log)
    network = Network(log, people)
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(network), "127.0.0.1", 0, backlog=1024
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path)
    asyncio.run(serve(parser.parse_args().log))
