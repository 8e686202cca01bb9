"""What SecondMe adds to a reply: 100 messages a second from 500 people, no pacing, a mind that takes no time."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from math import inf
from statistics import median
from time import monotonic

from secondme.bench.lab import BenchFailed, Lab
from secondme.bench.load import Plan, Post, loaded
from secondme.bench.machine import Watch
from secondme.bench.product import Product, started
from secondme.bench.rows import Row, Spread, plain, within
from secondme.stores.ledger import Ledger
from secondme.stores.vault import KeyRing

RATE, PEOPLE, SECONDS, WARM = 100.0, 500, 30.0, 5.0
_TARGET = 50.0  # ms, at p99
_WAITING = "SELECT EXISTS (SELECT 1 FROM messages WHERE direction = 'incoming' AND outcome IS NULL)"
_LAST = 30.0  # seconds that the last replies may take
SETTINGS = {
    "SECONDME_PROFILE": "journal",
    "SECONDME_PACING": "none",
}  # no debounce; offline it answers at once


@dataclass(frozen=True, slots=True)
class Reply:
    """The ledger's moments of one message; None where it did not get that far."""

    arrived: datetime
    composed: datetime | None
    passed: datetime | None  # the fence
    sent: datetime | None


type Pair = tuple[Post, Reply | None]


async def measure(lab: Lab, *, rate: float = RATE, seconds: float = SECONDS, warm: float = WARM) -> list[Row]:
    """Added times and CPU a message. Raises BenchFailed, TimeoutError."""
    async with started(["up"], lab.folder / "replies", SETTINGS) as product:
        await product.answers()
        plan = Plan(product.gateway, seconds, PEOPLE, rate=rate)
        await loaded(replace(plan, seconds=warm, seed=1), lab.folder)
        async with _ledger(product) as ledger:
            await _all_answered(ledger)
            before, watch = product.cpu(), Watch()
            posts, driver = await loaded(plan, lab.folder)
            await _all_answered(ledger)
            after, noise = product.cpu(), watch.stop()
            pairs = await _paired(ledger, posts)
    if not pairs:
        raise BenchFailed("The gateway took none of the messages.")
    cpu = {name: (after[name] - before[name]) * 1000 / len(pairs) for name in after}
    note = f"{len(pairs):,} messages at {rate:g}/s, refused {len(posts) - len(pairs)}"
    rows = [*added(pairs, note), *_cpu({**cpu, "load": driver * 1000 / len(pairs)})]
    return [replace(row, noise=noise) for row in rows]


@asynccontextmanager
async def _ledger(product: Product) -> AsyncIterator[Ledger]:
    ring = KeyRing.from_file(product.data_dir / "secret.key")
    ledger = await Ledger.open(product.database_url, ring, ears=1, rest=1, light=1)
    try:
        yield ledger
    finally:
        await ledger.close()


async def _all_answered(ledger: Ledger) -> None:
    """Wait for the last receipt, as long as that is worth waiting for."""
    deadline = monotonic() + _LAST
    async with ledger.light() as light:
        while monotonic() < deadline:
            if not await light.fetchval(_WAITING):
                return
            await asyncio.sleep(0.5)


async def _paired(ledger: Ledger, posts: Sequence[Post]) -> list[Pair]:
    """What was taken, with what the ledger says became of it."""
    async with ledger.light() as light:
        rows = await light.fetch(
            """SELECT m.source_message_id, m.created_at, t.created_at AS composed, d.in_flight_at, d.sent_at
               FROM messages m LEFT JOIN deliveries d ON d.answers = m.id AND d.kind = 'text'
               LEFT JOIN turns t ON t.id = d.turn_id WHERE m.direction = 'incoming'"""
        )
    replies = {key: Reply(*moments) for key, *moments in rows}
    return [(p, replies.get(ledger.vault.digest("message", p.id))) for p in posts if p.status == 200]


def added(pairs: Sequence[Pair], note: str) -> list[Row]:
    """Rows of the times; a reply that never left is infinitely late, in every percentile that it reaches."""
    whole = Spread.of([_since(post.due, reply) for post, reply in pairs])
    inside = Spread.of([_since(reply.arrived.timestamp(), reply) if reply else inf for _, reply in pairs])
    trip = Spread.of([post.ms for post, _ in pairs])
    never = sum(reply is None or reply.sent is None for _, reply in pairs)
    return [
        within(
            "Reply: from when its message was due until it left, p99",
            whole.p99,
            "ms",
            _TARGET,
            f"{whole.note()}; {note}, never answered {never}",
            whole.as_detail(),
        ),
        within(
            "Reply: from its message's arrival until it left, p99",
            inside.p99,
            "ms",
            _TARGET,
            f"{inside.note()}; {_stages(pairs)}",
            inside.as_detail(),
        ),
        plain("Reply: the gateway's 200 on its message, p99", trip.p99, "ms", trip.note(), trip.as_detail()),
    ]


def _since(moment: float, reply: Reply | None) -> float:
    """Milliseconds from a Unix time until the reply left."""
    return (reply.sent.timestamp() - moment) * 1000 if reply and reply.sent else inf


def _stages(pairs: Sequence[Pair]) -> str:
    """Where the time goes, at the median."""
    moments = [(r.arrived, r.composed, r.passed, r.sent) for _, r in pairs if r]
    steps = [[(b - a).total_seconds() * 1000 for a, b in pairwise(m) if a and b] for m in moments]
    whole = [step for step in steps if len(step) == 3]
    if not whole:
        return "none left"
    names = ("to composed", "to the fence", "to sent")
    return "medians " + ", ".join(
        f"{name} {median(values):.1f}" for name, values in zip(names, zip(*whole, strict=True), strict=True)
    )


def _cpu(cpu: Mapping[str, float]) -> list[Row]:
    """CPU a message, ms, by part."""
    others = ", ".join(f"{name} {cpu[name]:.2f}" for name in ("redis", "falkordb", "load"))
    return [
        plain("Reply: CPU a message, ours", cpu["secondme"], "ms", f"also {others}", cpu),
        plain("Reply: CPU a message, Postgres", cpu["postgres"], "ms"),
    ]
