"""Webhooks in: signed ones as Meta posts them, at 100 connections, answered once they are durable, beside others.

The same requests from the same generator (wrk) go to each in turn, all on one Postgres and one Redis. What a peer says
is held against what its tables hold; a second delivery of what they hold must add nothing.
"""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import psutil

from secondme.bench.lab import BenchFailed, Lab, program
from secondme.bench.machine import tree_seconds
from secondme.bench.peers import OURS_DATABASE, PEERS_DATABASE, Peers, free, listening
from secondme.bench.product import started
from secondme.bench.rows import Row, beside, skipped, within
from secondme.embedded import Addresses

CONNECTIONS, SECONDS, WARM, ROUNDS = 100, 3, 2, 3
_PATH = "webhooks/whatsapp"
_NAME = f"Ingest: durable webhooks, {CONNECTIONS} connections"
_PORT = 7001  # of the peers' servers
_CPU = 150.0  # µs in all, at most
_START_UP = 30.0  # seconds beyond the load itself: it reads 80 MB of requests first
SETTINGS = {
    "SECONDME_PROFILE": "journal",
    "SECONDME_CHANNEL": "whatsapp_cloud",
    "SECONDME_LOG_LEVEL": "WARNING",
    "WHATSAPP_APP_SECRET": "appsecret",
    "WHATSAPP_VERIFY_TOKEN": "verify",
    "WHATSAPP_PERMANENT_TOKEN": "token",
    "WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "WHATSAPP_API_BASE_URL": "http://127.0.0.1:9",  # nothing is sent: no orchestrator runs
}

ROWS = "SELECT count(*) FROM messages WHERE direction = 'incoming'"
CLEAR = ("TRUNCATE messages CASCADE", "UPDATE conversations SET due_at = NULL")


@dataclass(frozen=True, slots=True)
class Target:
    """A server that takes the load: its port, its process, and where what it took can be counted and cleared."""

    port: int
    process: psutil.Process
    database: str
    rows: str  # the query that counts
    clear: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """`cpu` is µs a durable message, by part."""

    durable: float  # a second
    cpu: Mapping[str, float]
    answered: int
    refused: int
    p99: float  # ms


@dataclass(slots=True)
class Side:
    """One of those who are compared."""

    name: str
    serving: Callable[[], AbstractAsyncContextManager[Target]]
    rounds: list[Round] = field(default_factory=list)
    repeated: int = 0  # rows that a second delivery added

    @property
    def rate(self) -> float:
        return median(one.durable for one in self.rounds)

    @property
    def whole(self) -> float:
        """µs a message in all."""
        return median(sum(one.cpu.values()) for one in self.rounds)

    def note(self) -> str:
        shown = ", ".join(f"{one.durable:,.0f}" for one in self.rounds)
        return f"{self.name} rounds {shown}, {self.whole:,.0f} µs CPU"


async def measure(lab: Lab, *, seconds: int = SECONDS, rounds: int = ROUNDS) -> list[Row]:
    """By turns, after a warm-up each. Raises BenchFailed, TimeoutError."""
    if lab.peers is None:
        return [
            skipped("Ingest: beside others", "skipped: needs PEERS, the folder of programs to compare with")
        ]
    peers = Peers(lab.peers)
    if why := await peers.missing("wrk"):
        return [skipped("Ingest: beside others", f"skipped: {why}")]
    async with peers.ledger() as given:
        sides = _sides(lab, peers, given)
        for number in range(rounds):
            for side in sides:
                async with side.serving() as target:
                    side.rounds.append(await _round(peers, target, seconds))
                    if number == 0:
                        side.repeated = await _repeated(peers, target)
    return _rows(*sides)


def _sides(lab: Lab, peers: Peers, given: Addresses) -> list[Side]:
    def node(mode: str) -> Callable[[], AbstractAsyncContextManager[Target]]:
        return lambda: _peer(peers, ["node", "node/seed.js"], mode)

    uvicorn = [str(peers.folder / "v12" / "bin" / "uvicorn"), "--port", str(_PORT), "--no-access-log"]
    uvicorn += ["--log-level", "warning", "--loop", "uvloop", "--http", "httptools", "py_asgi:app"]
    return [
        Side("ours", lambda: _ours(lab, given)),
        Side("the seed's stack (Fastify, BullMQ, pg)", node("seed")),
        Side("lean Node", node("lean")),
        Side("bare ASGI in batches, the limit", lambda: _peer(peers, uvicorn, "batch")),
    ]


@asynccontextmanager
async def _ours(lab: Lab, given: Addresses) -> AsyncIterator[Target]:
    async with started(["gateway"], lab.folder / "ingest", SETTINGS, given=given) as product:
        await product.answers()
        yield Target(
            product.gateway,
            psutil.Process(product.process.pid),
            OURS_DATABASE,
            ROWS,
            CLEAR,
        )


@asynccontextmanager
async def _peer(peers: Peers, command: list[str], mode: str) -> AsyncIterator[Target]:
    await free(_PORT)
    await peers.postgres((peers.folder / "schema.sql").read_text())
    async with peers.running(command, MODE=mode, PORT=str(_PORT)) as process:
        await listening(_PORT, process)
        yield Target(
            _PORT,
            psutil.Process(process.pid),
            PEERS_DATABASE,
            "SELECT (SELECT count(*) FROM msg1) + (SELECT count(*) FROM message)",
            ("TRUNCATE msg1, message",),
        )


async def _round(peers: Peers, target: Target, seconds: int) -> Round:
    """Warm up, empty the tables, load, count."""
    await _wrk(peers, target.port, CONNECTIONS, WARM)  # by then everybody has been met
    await peers.postgres(*target.clear, "CHECKPOINT", database=target.database)
    await peers.flush()
    before = _cpu(peers, target)
    said = await _wrk(peers, target.port, CONNECTIONS, seconds)
    after = _cpu(peers, target)
    durable = await peers.count(target.rows, target.database)
    if (
        not 0 <= durable - (said["n"] - said["non2xx"]) <= CONNECTIONS
    ):  # those cut off at the end may be there
        raise BenchFailed(f"{said['n'] - said['non2xx']} were answered, and {durable} are durable.")
    cpu = {part: (after[part] - before[part]) * 1e6 / max(durable, 1) for part in after}
    answered, refused = int(said["n"] - said["non2xx"]), int(said["non2xx"] + said["err"])
    return Round(durable / said["dur"], cpu, answered, refused, said["p99"])


async def _repeated(peers: Peers, target: Target) -> int:
    """Rows that a second delivery adds: it begins with the same requests as the first did."""
    first = await peers.count(target.rows, target.database)
    said = await _wrk(peers, target.port, 20, WARM)
    distinct = max(first, int(said["n"]) + 20)  # it may get further than the first
    return max(await peers.count(target.rows, target.database) - distinct, 0)


async def _wrk(peers: Peers, port: int, connections: int, seconds: int) -> dict[str, float]:
    """The generator's own figures: n, dur (s), p99 (ms), err, non2xx."""
    command = [shutil.which("wrk") or "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", "wh.lua"]
    printed = await program([*command, f"http://127.0.0.1:{port}/{_PATH}"], peers.folder, seconds + _START_UP)
    for line in printed.splitlines():
        if line.startswith("JSON "):
            found: dict[str, float] = json.loads(line[5:])
            return found
    raise BenchFailed("wrk printed no figures.")


def _cpu(peers: Peers, target: Target) -> dict[str, float]:
    return {"server": tree_seconds(target.process), **peers.cpu()}


def _rows(ours: Side, seed: Side, lean: Side, limit: Side) -> list[Row]:
    sides = (ours, seed, lean, limit)
    parts = {part: median(one.cpu[part] for one in ours.rounds) for part in ours.rounds[0].cpu}
    told = "; ".join(side.note() for side in sides)
    again = ", ".join(f"{side.name} {side.repeated}" for side in sides)
    shares = ", ".join(f"{part} {cost:.0f}" for part, cost in parts.items())
    return [
        beside(_NAME, ours.rate, "/s", (seed.name, seed.rate), 3, told, stretch=4),
        beside(_NAME, ours.rate, "/s", (lean.name, lean.rate), 1, _held(ours), stretch=1.5),
        Row(
            _NAME, ours.rate, "/s", limit.rate, limit.name, note=f"rows that a second delivery added: {again}"
        ),
        within("Ingest: CPU a message in all", ours.whole, "µs", _CPU, f"{shares}; stretch 120", parts),
    ]


def _held(ours: Side) -> str:
    answered, refused = sum(one.answered for one in ours.rounds), sum(one.refused for one in ours.rounds)
    p99 = median(one.p99 for one in ours.rounds)
    return f"answered 200 and durable {answered:,}, otherwise {refused}; p99 {p99:.1f} ms"
