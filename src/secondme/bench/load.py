"""The load, in a process of its own: phones that post to the gateway. Prints what became of every post as JSON."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, cast
from uuid import uuid4

import uvloop

from secondme.bench.lab import ours

_MOST_PHONES = 200
_FRESH = 4.0  # seconds that a connection may rest: the server closes it after five
_WORDS = ("hey", "are", "we", "still", "on", "for", "dinner", "tomorrow", "night", "at", "seven", "then")


class Post(NamedTuple):
    """One message: when it was due (Unix time), ms from then until its answer, HTTP status or 0 for none."""

    id: str
    due: float
    ms: float
    status: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` a second at random moments; without a rate, `connections` that post again once they are answered.

    With a `count`, exactly so many, evenly, each from the next of the people; `seconds` is then left out of account.
    """

    port: int
    seconds: float
    people: int
    rate: float = 0.0
    connections: int = 0
    seed: int = 9
    count: int = 0
    patience: float = 30.0  # seconds for the last answers

    @property
    def lasts(self) -> float:
        """Seconds until the last post is due."""
        return self.count / self.rate if self.count else self.seconds


class Phone(asyncio.Protocol):
    """One connection, one post at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._used = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods alone

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, whole, body = self._buffer.partition(b"\r\n\r\n")
        if not whole or len(body) < int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]):
            return
        self._buffer = b""
        if self._answer and not self._answer.done():
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_result(0)

    @property
    def usable(self) -> bool:
        return self._transport is not None and time.monotonic() - self._used < _FRESH

    async def post(self, request: bytes) -> int:
        """The answer's status; 0 where the connection broke first."""
        if self._transport is None:
            return 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        status = await self._answer
        self._used = time.monotonic()
        return status

    def hang_up(self) -> None:
        if self._transport:
            self._transport.close()


class Street:
    """The phones, and what they have posted."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._random = random.Random(plan.seed)
        self._all: list[Phone] = []
        self._idle: list[Phone] = []
        self._room = asyncio.Semaphore(_MOST_PHONES)
        self.posts: list[Post] = []

    async def open_loop(self) -> None:
        """Post when it is time, whatever became of earlier posts; times count from when a post was due."""
        begin, wall = time.perf_counter(), time.time()
        async with asyncio.TaskGroup() as posts:
            for after, person in self._moments():
                due = begin + after
                while (left := due - time.perf_counter()) > 0:  # noqa: ASYNC110
                    await asyncio.sleep(left)  # timers may be early by half a millisecond
                posts.create_task(self._post_due(self._message(person), due, wall + after))

    def _moments(self) -> Iterator[tuple[float, int]]:
        """When, in seconds from the beginning, who writes."""
        plan, after = self._plan, 0.0
        if plan.count:
            yield from ((n / plan.rate, n % plan.people) for n in range(plan.count))
            return
        while (after := after + self._random.expovariate(plan.rate)) < plan.seconds:
            yield after, self._random.randrange(plan.people)

    async def _post_due(self, message: tuple[str, bytes], due: float, wall: float) -> None:
        name, request = message
        async with self._room:
            phone = await self._phone()
            status = await phone.post(request)
            self._idle.append(phone)
        self.posts.append(Post(name, wall, (time.perf_counter() - due) * 1000, status))

    async def closed_loop(self) -> None:
        """`connections` phones of different people, each posting its next message once the last is answered."""
        end = time.perf_counter() + self._plan.seconds
        await asyncio.gather(*(self._chat(number, end) for number in range(self._plan.connections)))

    async def _chat(self, first: int, end: float) -> None:
        phone, person = await self._phone(), first
        while (begin := time.perf_counter()) < end:
            name, request = self._message(person % self._plan.people)
            wall = time.time()
            status = await phone.post(request)
            self.posts.append(Post(name, wall, (time.perf_counter() - begin) * 1000, status))
            person += self._plan.connections
            if not status:
                phone = await self._phone()

    async def _phone(self) -> Phone:
        """The one that rested the least, or a new one."""
        while self._idle:
            phone = self._idle.pop()
            if phone.usable:
                return phone
            phone.hang_up()
        _, phone = await asyncio.get_running_loop().create_connection(Phone, "127.0.0.1", self._plan.port)
        self._all.append(phone)
        return phone

    def hang_up(self) -> None:
        """End what is still connected."""
        for phone in self._all:
            phone.hang_up()

    def _message(self, person: int) -> tuple[str, bytes]:
        name = f"bench-{uuid4()}"
        text = " ".join(self._random.choices(_WORDS, k=12))
        body = json.dumps({"from": f"+1555{person:07d}", "messageId": name, "text": text}).encode()
        head = (
            f"POST /simulator/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return name, head.encode() + body


async def drive(plan: Plan) -> list[Post]:
    """Run the plan to its end. Raises TimeoutError when answers stay away."""
    street = Street(plan)
    try:
        async with asyncio.timeout(plan.lasts + plan.patience):
            await (street.open_loop() if plan.rate else street.closed_loop())
    finally:
        street.hang_up()
    return street.posts


async def loaded(plan: Plan, folder: Path) -> tuple[list[Post], float]:
    """The plan run in a process of its own: its posts, and the CPU seconds that making them took."""
    found = await ours("load", asdict(plan), folder, plan.lasts + 2 * plan.patience)
    return [Post(*post) for post in found["posts"]], found["cpu"]


def main(argument: str) -> None:
    """`python -m secondme.bench.load PLAN`; PLAN is JSON."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        posts = runner.run(drive(Plan(**json.loads(argument))))
    json.dump({"posts": posts, "cpu": time.process_time()}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
