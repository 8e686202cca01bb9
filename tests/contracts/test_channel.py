"""What ports.Channel promises, asked of every adapter; then what a bad network may do to the one that has one."""

import asyncio
import socket
import time
from contextlib import closing

import pytest

from secondme.domain.delivery import DeliveryKind, Sent
from secondme.domain.errors import NotSent, Rejected, SecondMeError, SendUncertain
from secondme.ports import Channel
from tests.contracts.conftest import Make, Network, outgoing, soon
from tests.support.slow_door import slow_door

TEXTS = {
    "one character": "x",
    "4096 characters": "x" * 4096,
    "4096 emoji": "👩‍👩‍👧‍👦"[:4] * 1024,
    "scripts": "Grüße, שלום, привет, 你好, नमस्ते, مرحبا",
    "lines": "one\n\ntwo\ttabbed",
    "marks": '"quoted" \\ back & <b> \u202e \u0000 \x1b',
}
QUIET = [DeliveryKind.TYPING, DeliveryKind.READ]


async def test_a_text_is_sent_with_an_id(channel: Channel) -> None:
    sent = await channel.send(outgoing(), soon())
    assert isinstance(sent, Sent)
    assert sent.provider_id
    assert sent.progress in ("sent", "delivered")


@pytest.mark.parametrize("kind", QUIET)
async def test_ticks_and_typing_are_sent(channel: Channel, kind: DeliveryKind) -> None:
    assert isinstance(await channel.send(outgoing(kind, quotes="wamid.1"), soon()), Sent)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_any_text_can_be_sent(channel: Channel, text: str) -> None:
    assert (await channel.send(outgoing(text=text), soon())).provider_id


async def test_many_at_once_keep_their_ids_apart(channel: Channel) -> None:
    many = [outgoing(text=str(number)) for number in range(40)]
    sent = await asyncio.gather(*(channel.send(one, soon(5)) for one in many))
    assert len({s.provider_id for s in sent}) == len(many)
    assert all(str(o.delivery_id) in (s.provider_id or "") for o, s in zip(many, sent, strict=True))


async def test_too_late_is_not_sent(channel: Channel) -> None:
    with pytest.raises(NotSent):
        await channel.send(outgoing(), time.monotonic() - 0.001)


async def test_it_answers_a_ping_and_closes_more_than_once(channel: Channel) -> None:
    await channel.ping()
    await channel.close()
    await channel.close()


async def test_closing_unopened_is_fine(make: Make) -> None:
    await make("ok").close()


async def test_it_may_be_reached_for_and_not_used(channel: Channel) -> None:
    await channel.reach(3)


BAD = [
    *((str(code), Rejected) for code in (400, 403, 404, 410, 413, 422)),
    ("429", NotSent),
    *((str(code), SendUncertain) for code in (301, 302, 307, 408, 500, 502, 503, 504)),
    *((name, SendUncertain) for name in ("drop", "reset", "garbage", "half", "page", "array")),
]


@pytest.mark.parametrize(("behaviour", "error"), BAD)
async def test_what_a_bad_answer_means(
    make: Make, network: Network, behaviour: str, error: type[SecondMeError]
) -> None:
    one = outgoing()
    with pytest.raises(error) as raised:
        await make(behaviour).send(one, soon())
    assert type(raised.value) is error
    assert len(network.requests(one.delivery_id)) == 1, "whatever happens, it is sent once"
    assert one.text not in str(raised.value).split()
    assert one.address not in str(raised.value)


async def test_an_answer_without_an_id_still_means_that_it_was_taken(make: Make) -> None:
    assert await make("anonymous").send(outgoing(), soon()) == Sent(None)


@pytest.mark.parametrize("behaviour", ["silent", "endless"])
async def test_no_answer_in_time_is_uncertain(make: Make, network: Network, behaviour: str) -> None:
    channel, one, begun = make(behaviour), outgoing(), time.monotonic()
    channel.answer_timeout = 0.3
    with pytest.raises(SendUncertain):
        await channel.send(one, soon())
    assert 0.25 < time.monotonic() - begun < 3
    assert len(network.requests(one.delivery_id)) == 1


async def test_nobody_there_is_not_sent(make: Make) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        with pytest.raises(NotSent):
            await make(f"http://127.0.0.1:{taken.getsockname()[1]}").send(outgoing(), soon())


async def test_a_connection_that_does_not_come_is_not_sent(make: Make) -> None:
    """A full backlog: the kernel answers nobody."""
    with closing(socket.socket()) as full, closing(socket.socket()) as a, closing(socket.socket()) as b:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (a, b):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        begun = time.monotonic()
        with pytest.raises(NotSent):
            await make(f"http://127.0.0.1:{full.getsockname()[1]}").send(outgoing(), soon(0.4))
        assert time.monotonic() - begun < 2


async def test_a_connection_that_comes_slowly_is_opened_before_the_moment(
    make: Make, network: Network
) -> None:
    """Each takes a second to come; a send that begins when they are there needs none of it."""
    async with slow_door(network.base) as door:
        door.open_in(0.7)
        channel, pair = make(f"{door.base}/ok"), (outgoing(), outgoing())
        begun = time.monotonic()
        await channel.reach(len(pair))
        assert 0.7 < time.monotonic() - begun < 3
        await asyncio.gather(*(channel.send(one, soon(0.3)) for one in pair))
    assert [len(network.requests(one.delivery_id)) for one in pair] == [1, 1]


async def test_what_is_out_of_reach_is_waited_for_once(make: Make, network: Network) -> None:
    """Others may have to wait meanwhile, so it is not waited for again before it has answered."""
    async with slow_door(network.base) as door:
        channel, begun = make(f"{door.base}/ok"), time.monotonic()
        await channel.reach(1)
        first = time.monotonic() - begun
        await channel.reach(1)
        assert first > 2.5 and time.monotonic() - begun < first + 0.2
        with pytest.raises(NotSent):
            await channel.send(outgoing(), soon(0.3))


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("before", ["the end", "an answer to nothing"])
async def test_a_connection_opened_ahead_that_is_spoilt_is_not_used(make: Make, before: str) -> None:
    """A server that waits no longer closes it, or says 408 first."""
    ahead: list[asyncio.StreamWriter] = []

    async def wait_no_longer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(ahead) < 3:
            ahead.append(writer)
            return
        await reader.read(65_536)
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(wait_no_longer, "127.0.0.1", 0)
    channel = make(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await channel.reach(3)
    for writer in ahead:
        if before == "the end":
            writer.close()
        else:
            writer.write(OK.replace(b"200 OK", b"408 Request Timeout"))
    await asyncio.sleep(0.05)  # a fence takes longer: it is heard meanwhile
    try:
        await channel.send(outgoing(), soon(0.5))
    finally:
        server.close()
        for writer in ahead:
            writer.close()


async def test_each_request_has_a_connection_of_its_own(make: Make) -> None:
    """What the server keeps open is not used again: it may close it while the next request is on its way."""
    came: list[list[bytes]] = []  # by connection

    async def keep_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(mine := [])
        while request := await reader.read(65_536):
            mine.append(request)
            writer.write(OK)
        writer.close()

    async with await asyncio.start_server(keep_open, "127.0.0.1", 0) as server:
        channel = make(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await channel.reach(2)
        for _ in range(4):
            await channel.send(outgoing(), soon())
        await channel.close()
    assert [len(requests) for requests in came] == [1, 1, 1, 1]


async def test_too_late_no_byte_arrives(make: Make, network: Network) -> None:
    before, one = network.count(), outgoing()
    with pytest.raises(NotSent):
        await make("ok").send(one, time.monotonic() - 0.001)
    await asyncio.sleep(0.3)
    assert network.count() == before


def room(base: str) -> int:
    """Bytes that the kernels on both sides take for a server that does not read."""
    _, port = base.rsplit(":", 1)
    with closing(socket.create_connection(("127.0.0.1", int(port)))) as filled:
        filled.setblocking(False)
        return filled.send(b"x" * 12_000_000)


@pytest.mark.filterwarnings("ignore:Sending a large body")
@pytest.mark.parametrize("more", [30_000, 8_000_000])
async def test_bytes_that_nobody_takes_are_called_back(make: Make, network: Network, more: int) -> None:
    """The server reads nothing until the moment has passed: what it finds then must not be the whole request."""
    network.ask("/hold")
    text = "x" * (room(network.deaf) + more)
    network.ask("/read")
    await asyncio.sleep(0.3)
    network.ask("/hold")
    begun = time.monotonic()
    channel = make(network.deaf)
    channel.answer_timeout = 3
    with pytest.raises(SendUncertain):
        await channel.send(outgoing(text=text), soon(0.5))
    assert 0.4 < time.monotonic() - begun < 2
    assert network.ask("/read") == {"connections": 1, "bytes": 0}
    await asyncio.sleep(1.0)
    assert network.ask("/hold")["bytes"] < len(text)


async def test_a_cancelled_send_goes_no_further(make: Make, network: Network) -> None:
    channel, one = make("silent"), outgoing()
    sending = asyncio.create_task(channel.send(one, soon()))
    for _ in range(200):
        await asyncio.sleep(0.02)
        if network.requests(one.delivery_id):
            break
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert len(network.requests(one.delivery_id)) == 1


@pytest.mark.parametrize("behaviour", ["500", "404"])
async def test_a_ping_tells_a_network_that_is_not_well(make: Make, behaviour: str) -> None:
    with pytest.raises(Exception, match=behaviour):
        await make(behaviour).ping()
