"""What a reply costs, and how many may be thought about at once, beside a worker as one writes it on Node."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from statistics import median
from time import monotonic

from secondme.bench.history import remember
from secondme.bench.lab import Lab
from secondme.bench.pair import Pair, pair
from secondme.bench.peers import OUTSIDE_PORT, Peers, ended
from secondme.bench.product import frozen
from secondme.bench.rows import Row, Spread, beside, plain, skipped, under, within
from secondme.bench.stub import Stub, outside

BACKLOG, ROUNDS, FLIGHT, THINKS, EXCHANGES = 2000, 2, 1000, 2.0, 10
_EVENLY = 2.0  # seconds over which the conversations in flight arrive
_PEER = "node/worker.js"
_PEER_AT_ONCE, _PEER_IN_FLIGHT = "100", "2000"
_ADDED, _MEMORY, _WHOLE = 500.0, 50.0, 10.0  # targets: ms, KB a conversation, seconds for all
_LIMIT = 90.0  # seconds that a round may take
_STARTS = 2.0  # seconds that the peer gets before messages come
_SENT = """SELECT m.created_at, d.sent_at FROM messages m LEFT JOIN deliveries d ON d.answers = m.id AND d.kind = 'text'
           WHERE m.direction = 'incoming' AND m.seq > $1"""


@dataclass(slots=True)
class Cost:
    """Rounds of one side: replies a second of its own CPU, and replies a second by the clock."""

    cpu: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Flight:
    """Many at once: what was added to the thinking, from arrival (ms), KB for each in flight, seconds for all."""

    added: Spread
    kilobytes: float
    whole: float


@asynccontextmanager
async def _outside(lab: Lab) -> AsyncIterator[tuple[Peers | None, str, Stub]]:
    """The peers where they can be run, why not otherwise, and the stub that serves both sides."""
    peers = Peers(lab.peers) if lab.peers else None
    why = await peers.missing() if peers else "needs PEERS, the folder of programs to compare with"
    usable = None if why else peers
    async with outside(lab.folder, OUTSIDE_PORT if usable else 0) as stub:
        yield usable, why or "", stub


async def measure(
    lab: Lab, *, backlog: int = BACKLOG, rounds: int = ROUNDS, flight: int = FLIGHT, thinks: float = THINKS
) -> list[Row]:
    """Replies for the CPU, and added time and memory with many in flight. Raises BenchFailed, TimeoutError."""
    folder = lab.folder / "worker"
    folder.mkdir()
    ours, theirs = Cost(), Cost()
    async with _outside(lab) as (peers, why, stub), pair(folder, peers, stub) as product:
        before = product.resident()
        await _ready(product, max(backlog, flight))
        await stub.delay(thinks)
        their_flight = await _their_flight(peers, lab, flight, thinks) if peers else None
        even = await _our_flight(product, flight, flight / _EVENLY, thinks, before)
        burst = await _our_flight(product, flight, 1e6, thinks, before)
        await stub.delay(0)
        for _ in range(rounds):
            if peers:
                await _their_backlog(peers, lab, backlog, theirs)
            await _our_backlog(product, backlog, ours)
    rows = [_cost_row(backlog, ours, theirs), *_flight_rows(flight, even, burst, their_flight)]
    return rows if peers else [*rows, skipped(f"Worker: beside {_PEER}", f"skipped: {why}")]


async def _ready(product: Pair, people: int) -> None:
    """Everybody known, once answered, and with as much said before as the peer's people have."""
    await product.written(people, people)
    await product.answered(_LIMIT)
    await remember(product.ledger, EXCHANGES)


async def _our_backlog(product: Pair, backlog: int, cost: Cost) -> None:
    """Conversations that are due pile up before an orchestrator that is stopped; then it goes on."""
    with frozen(product.minds):
        await product.written(backlog, backlog)
        await asyncio.sleep(0.5)  # what the gateway still tells about them is not the replies' cost
        before = product.cpu()
        begun = monotonic()
    await product.answered(_LIMIT)
    cost.clock.append(backlog / (monotonic() - begun))
    cost.cpu.append(backlog / (product.cpu() - before))


async def _their_backlog(peers: Peers, lab: Lab, backlog: int, cost: Cost) -> None:
    out = lab.folder / "backlog.json"
    settings = {"N": str(backlog), "CONC": _PEER_AT_ONCE, "DELAY": "0", "OUT": str(out)}
    await peers.run([peers.python, "load_c.py", str(backlog), "x"], _LIMIT)
    await peers.run(["node", "node/worker.js", "load"], _LIMIT, **settings)
    await peers.run(["node", "node/worker.js", "work"], _LIMIT, **settings)
    found = json.loads(out.read_text())
    cost.cpu.append(1e6 / found["cpu_us"])
    cost.clock.append(found["replies_s"])


async def _our_flight(product: Pair, flight: int, rate: float, thinks: float, before: int) -> Flight:
    """`before`: bytes of the two processes before anybody had written, as the peer counts from its start."""
    async with product.ledger.light() as light:
        last = await light.fetchval("SELECT coalesce(max(seq), 0) FROM messages")
    async with _tide(product, before) as tide:
        dues = await product.written(flight, flight, rate)
        await product.answered(_LIMIT)
    async with product.ledger.light() as light:
        moments = [(row[0], row[1]) for row in await light.fetch(_SENT, last)]
    added = [(sent - at).total_seconds() * 1000 - thinks * 1000 if sent else inf for at, sent in moments]
    ends = max((sent.timestamp() for _, sent in moments if sent), default=inf)
    return Flight(Spread.of(added), tide.rise / 1024 / flight, ends - min(dues))


@dataclass(slots=True)
class _Tide:
    """Bytes that memory rose by at the most."""

    rise: int = 0


@asynccontextmanager
async def _tide(product: Pair, before: int) -> AsyncIterator[_Tide]:
    tide = _Tide()

    async def watch() -> None:
        while True:
            tide.rise = max(tide.rise, product.resident() - before)
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield tide
    finally:
        watching.cancel()


async def _their_flight(peers: Peers, lab: Lab, flight: int, thinks: float) -> dict[str, float]:
    """What the peer says of itself: over_p99_ms, KB_inflight and others."""
    out = lab.folder / "flight.json"
    settings = {"N": str(flight), "RATE": f"{flight / _EVENLY:g}", "DELAY": f"{thinks:g}", "OUT": str(out)}
    settings |= {"CONC": _PEER_IN_FLIGHT, "E2E": "1"}
    await peers.run([peers.python, "load_c.py", str(flight), "x"], _LIMIT)
    async with peers.running(["node", "node/worker.js", "work"], **settings) as worker:
        await asyncio.sleep(_STARTS)
        await peers.run(["node", "node/worker.js", "feed"], _LIMIT, **settings)
        await ended(worker, _LIMIT)
    found: dict[str, float] = json.loads(out.read_text())
    return found


def _cost_row(backlog: int, ours: Cost, theirs: Cost) -> Row:
    name = "Worker: replies a second of its own CPU, a mind that takes no time"
    note = (
        f"{backlog:,} due, gateway and orchestrator together, rounds {_told(ours.cpu)};"
        f" by the clock {median(ours.clock):,.0f}/s"
    )
    if not theirs.cpu:
        return plain(name, median(ours.cpu), "/s", note)
    note += f"; {_PEER} rounds {_told(theirs.cpu)}, by the clock {median(theirs.clock):,.0f}/s"
    return beside(name, median(ours.cpu), "/s", (_PEER, median(theirs.cpu)), 1, note)


def _told(rounds: Sequence[float]) -> str:
    return ", ".join(f"{one:,.0f}" for one in rounds)


def _flight_rows(flight: int, even: Flight, burst: Flight, theirs: dict[str, float] | None) -> list[Row]:
    about = f"{flight:,} at once, a mind that takes its time"
    added = "Worker: added from arrival until sent, p99"
    size = theirs["KB_inflight"] if theirs else None
    rows = [
        within(f"{added}, {about}", even.added.p99, "ms", _ADDED, even.added.note(), even.added.as_detail()),
        within(
            f"Worker: memory for each of {flight:,} in flight",
            even.kilobytes,
            "KB",
            _MEMORY,
            "gateway and orchestrator together" + (f"; {_PEER} {size:,.0f}" if size is not None else ""),
        ),
        within(
            f"Worker: until the last of {flight:,} has left, coming evenly over {_EVENLY:g} s",
            even.whole,
            "s",
            _WHOLE,
        ),
        plain(
            f"Worker: until the last of {flight:,} has left, coming all at once",
            burst.whole,
            "s",
            f"added p99 {burst.added.p99:,.0f} ms; {burst.kilobytes:,.0f} KB for each",
            burst.added.as_detail(),
        ),
    ]
    if theirs:
        rows.insert(
            1, under(f"{added}, {about}, beside", even.added.p99, "ms", (_PEER, theirs["over_p99_ms"]))
        )
    return rows
