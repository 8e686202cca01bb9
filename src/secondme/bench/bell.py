"""How soon a bell leads to a claim: 200 messages a second, beside a job queue as one uses it on Node.

A ring is the moment at which Redis executes its XADD (MONITOR shows it, with the message's id). The claim is the moment
at which the Turn begins, with the claim committed and everything loaded: its `created_at` less its `timings`. Both
clocks are this machine's. The peer's time is from just before its `add` until its job begins.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from statistics import median

from redis.asyncio import Redis

from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.pair import Pair, pair
from secondme.bench.peers import Peers, ended
from secondme.bench.rows import Row, Spread, plain, skipped, under

RATE, COUNT, PEOPLE, ROUNDS = 200.0, 1000, 500, 2
_RING = re.compile(r"XADD QUEUE:messages \* messageId (?P<id>\S+)")
_BEGAN = """SELECT m.id, t.created_at, t.timings FROM messages m JOIN turns t ON t.id = m.turn_id
            WHERE m.direction = 'incoming' AND m.seq > $1"""
_PEER = "BullMQ, node/q.js"
_LIMIT = 60.0  # seconds
_STARTS = 2.0  # seconds that the peer gets before jobs come
_NAME = "Bell: from its ring until its message is claimed, p99"


async def measure(lab: Lab, *, rate: float = RATE, count: int = COUNT, rounds: int = ROUNDS) -> list[Row]:
    """Times of every bell, by turns with the peer's. Raises BenchFailed, TimeoutError."""
    folder = lab.folder / "bell"
    folder.mkdir()
    peers = Peers(lab.peers) if lab.peers else None
    why = await peers.missing() if peers else "needs PEERS, the folder of programs to compare with"
    usable = None if why else peers
    ours: list[Spread] = []
    theirs: list[dict[str, float]] = []
    async with pair(folder, usable) as product:
        await product.written(PEOPLE, PEOPLE)  # everybody known
        await product.answered(_LIMIT)
        for _ in range(rounds):
            if usable:
                theirs.append(await _their_round(usable, lab, rate, count))
            ours.append(await _our_round(product, rate, count))
    return [_row(ours, theirs, rate), *([skipped(f"Bell: beside {_PEER}", f"skipped: {why}")] if why else [])]


async def _our_round(product: Pair, rate: float, count: int) -> Spread:
    async with product.ledger.light() as light:
        last = await light.fetchval("SELECT coalesce(max(seq), 0) FROM messages")
    async with _overheard(product.ears.redis_url) as rings:
        await product.written(count, PEOPLE, rate)
        await product.answered(_LIMIT)
    async with product.ledger.light() as light:
        turns = await light.fetch(_BEGAN, last)
    times = [
        _ms(rings[str(row["id"])], row["created_at"], row["timings"])
        for row in turns
        if str(row["id"]) in rings
    ]
    if len(times) != count:
        raise BenchFailed(f"Of {count} messages {len(times)} have a bell and a Turn.")
    return Spread.of(times)


def _ms(rung: float, ended: datetime, timings: Mapping[str, float]) -> float:
    """From the ring until the Turn began; nothing where a claim came before its bell."""
    return max((ended.timestamp() - rung) * 1000 - sum(timings.values()), 0.0)


@asynccontextmanager
async def _overheard(url: str) -> AsyncIterator[dict[str, float]]:
    """The first ring for each message from now on: Redis's own moment, Unix time."""
    rings: dict[str, float] = {}
    begun = asyncio.Event()

    async def listen() -> None:
        async with Redis.from_url(url) as redis, redis.monitor() as monitor:
            number = int(redis.connection_pool.connection_kwargs.get("db", 0))
            begun.set()
            while True:
                told = await monitor.next_command()
                if int(told["db"]) == number and (rung := _RING.match(told["command"])):
                    rings.setdefault(rung["id"], told["time"])

    listening = asyncio.create_task(listen())
    try:
        async with asyncio.timeout(_LIMIT):
            await begun.wait()
        yield rings
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _their_round(peers: Peers, lab: Lab, rate: float, count: int) -> dict[str, float]:
    """What the peer's worker says: p50_ms, p99_ms and others."""
    out = lab.folder / "queue.json"
    out.unlink(missing_ok=True)
    settings = {"EXPECT": str(count), "OUT": str(out), "CONC": "100"}
    async with peers.running(["node", "node/q.js", "worker"], **settings) as worker:
        await asyncio.sleep(_STARTS)
        await peers.run(["node", "node/q.js", "paced", f"{rate:g}", str(count)], _LIMIT)
        await ended(worker, _LIMIT)
    found: dict[str, float] = json.loads(out.read_text())
    return found


def _row(ours: list[Spread], theirs: list[dict[str, float]], rate: float) -> Row:
    p99 = median(spread.p99 for spread in ours)
    rounds = ", ".join(f"{spread.p99:.1f}" for spread in ours)
    note = f"{rate:g}/s, p50 {median(spread.p50 for spread in ours):.1f}, p99 of rounds {rounds}"
    if not theirs:
        return plain(_NAME, p99, "ms", note)
    bar = median(found["p99_ms"] for found in theirs)
    peer = ", ".join(f"{found['p99_ms']:.1f}" for found in theirs)
    note += f"; {_PEER} p50 {median(found['p50_ms'] for found in theirs):.1f}, p99 of rounds {peer}"
    return under(_NAME, p99, "ms", (_PEER, bar), note)
