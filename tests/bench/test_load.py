"""The load: phones against a server that answers when it pleases."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from secondme.bench.load import Plan, drive, loaded

PLAN = Plan(port=0, seconds=0.5, people=5)
Answer = Callable[[dict[str, str]], Awaitable[bytes]]


def http(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n".encode()


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[int]:
    """A server on loopback that answers each post by `answer`; empty breaks the connection off. Gives its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                said = await answer(json.loads(await reader.readexactly(length)))
                if not said:
                    break
                writer.write(said)
                await asyncio.sleep(0)  # the body comes on its own, as it may
                writer.write(b"{}")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield int(listening.sockets[0].getsockname()[1])


async def test_an_open_loop_does_not_wait_for_answers() -> None:
    heard: list[str] = []
    enough = asyncio.Event()

    async def when_ten_have_come(body: dict[str, str]) -> bytes:
        heard.append(body["messageId"])
        if len(heard) >= 10:
            enough.set()
        await enough.wait()
        return http("200 OK")

    async with server(when_ten_have_come) as port:
        posts = await drive(replace(PLAN, port=port, rate=60))
    assert len(posts) >= 10
    assert {post.id for post in posts} == set(heard)
    assert all(post.status == 200 for post in posts)


async def test_the_same_seed_is_the_same_load() -> None:
    said: list[list[tuple[str, str]]] = []

    async def listen(body: dict[str, str]) -> bytes:
        said[-1].append((body["from"], body["text"]))
        return http("200 OK")

    async with server(listen) as port:
        for _ in range(2):
            said.append([])
            await drive(replace(PLAN, port=port, rate=60))
    assert said[0] and sorted(said[0]) == sorted(said[1])
    assert {who for who, _ in said[0]} <= {f"+1555{n:07d}" for n in range(5)}


async def test_a_closed_loop_keeps_as_many_posts_open_as_it_has_phones() -> None:
    now, most = 0, 0

    async def count(body: dict[str, str]) -> bytes:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return http("200 OK")

    async with server(count) as port:
        posts = await drive(replace(PLAN, port=port, connections=3))
    assert most == 3
    assert len(posts) > 3


async def test_a_refusal_and_a_broken_connection_are_told_apart() -> None:
    answers = iter([http("200 OK"), http("503 Service Unavailable"), b""])

    async def each(body: dict[str, str]) -> bytes:
        return next(answers, http("200 OK"))

    async with server(each) as port:
        posts = await drive(replace(PLAN, port=port, connections=1))
    assert [post.status for post in posts[:4]] == [200, 503, 0, 200]


async def test_it_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    async def fine(body: dict[str, str]) -> bytes:
        return http("200 OK")

    async with server(fine) as port:
        posts, cpu = await loaded(replace(PLAN, port=port, rate=40), tmp_path)
    assert posts and all(post.status == 200 and post.ms > 0 for post in posts)
    assert cpu > 0
