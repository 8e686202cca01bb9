"""What the gateway can take: durable accepts a second at 100 connections, the orchestrator not running."""

import asyncpg

from secondme.bench.lab import Lab
from secondme.bench.load import Plan, loaded
from secondme.bench.product import Product, started
from secondme.bench.replies import SETTINGS
from secondme.bench.rows import Row, Spread, plain

CONNECTIONS, PEOPLE, SECONDS, WARM = 100, 2000, 10.0, 2.0


async def measure(lab: Lab, *, seconds: float = SECONDS, warm: float = WARM) -> list[Row]:
    """Accepts that the ledger confirms. Raises BenchFailed, TimeoutError."""
    async with started(["gateway"], lab.folder / "accepts", SETTINGS) as product:
        await product.answers()
        plan = Plan(product.gateway, seconds, PEOPLE, connections=CONNECTIONS)
        await loaded(Plan(product.gateway, warm, PEOPLE, connections=CONNECTIONS, seed=1), lab.folder)
        before, rows = product.cpu(), await _durable(product)
        posts, driver = await loaded(plan, lab.folder)
        after, durable = product.cpu(), await _durable(product) - rows
    answered = [post for post in posts if post.status == 200]
    times = Spread.of([post.ms for post in answered])
    cpu = {name: (after[name] - before[name]) * 1e6 / max(durable, 1) for name in after}
    return [
        plain(
            f"Gateway: durable accepts, {CONNECTIONS} connections, {PEOPLE:,} people",
            durable / seconds,
            "/s",
            f"answered 200: {len(answered):,}, otherwise {len(posts) - len(answered)}; ms {times.note()};"
            f" µs CPU each: ours {cpu['secondme']:.0f}, Postgres {cpu['postgres']:.0f},"
            f" load {driver * 1e6 / max(len(posts), 1):.0f}",
            {"durable": durable, "answered": len(answered), "cpu": cpu, **times.as_detail()},
        )
    ]


async def _durable(product: Product) -> int:
    """Messages that the ledger has."""
    connection = await asyncpg.connect(product.database_url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM messages"))
    finally:
        await connection.close()
