"""Doorbells: streams whose entries say that there is work, and where in the ledger it is."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from socket import gethostname
from uuid import uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from secondme.stores.signals.wire import Wire, Wired

_AT_ONCE = 500  # entries in one pipeline, and in one answer
_REST = 0.5  # seconds that `wait` sleeps when Redis fails, so that its caller's loop does not spin
_FORGET_ROUNDS = 20


class Bells(Wired):
    """Waits and acknowledges. A consumer is this object; a group is all processes of one service."""

    def __init__(self, wire: Wire, idle_after: timedelta) -> None:
        super().__init__(wire, idle_after)
        self._consumer = f"{gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._tidied: dict[tuple[str, str], float] = {}  # when, by time.monotonic()

    async def wait(
        self,
        stream: str,
        group: str,
        timeout: float,  # noqa: ASYNC109
        done: Sequence[str] = (),
    ) -> Sequence[str]:
        """Wait for bells, at most `timeout` seconds; returns up to 500 entry ids, possibly none.

        `done` are acknowledged in the same trip: the work behind them is claimed. Never raises. When Redis fails it
        returns empty-handed after at most half a second, so that its caller goes on by looking into the ledger.
        """
        ends = time.monotonic() + timeout
        try:
            async with asyncio.timeout(max(timeout, 0) + 1):
                await self._join(stream, group)
                return await self._read(stream, group, ends, done)
        except (RedisError, OSError) as error:
            self._wire.failed("wait", error)
            await asyncio.sleep(min(max(ends - time.monotonic(), 0), _REST))
            return ()

    async def leave(self) -> None:
        """Take this consumer out of its groups; unacknowledged bells go with it. Never raises."""
        while self._tidied:
            (stream, group), _ = self._tidied.popitem()
            await self._wire.tell("leave", partial(_delete_consumer, stream, group, self._consumer), None)

    async def _join(self, stream: str, group: str) -> None:
        """Make the group if need be, and from time to time forget what the dead left behind."""
        now = time.monotonic()
        last = self._tidied.get((stream, group))
        if last is not None and now - last < self._idle_after.total_seconds():
            return
        await _make_group(self._wire.waits, stream, group)
        await self._tidy(stream, group)
        self._tidied[stream, group] = now

    async def _read(self, stream: str, group: str, ends: float, done: Sequence[str]) -> Sequence[str]:
        try:
            return await self._read_once(stream, group, ends, done)
        except ResponseError as error:
            # Redis was flushed, perhaps while it was asked.
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
        await _make_group(self._wire.waits, stream, group)
        return await self._read_once(stream, group, ends, ())

    async def _read_once(self, stream: str, group: str, ends: float, done: Sequence[str]) -> Sequence[str]:
        left = int((ends - time.monotonic()) * 1000)
        block = ("BLOCK", left) if left > 0 else ()  # BLOCK 0 would wait for ever
        async with self._wire.waits.pipeline(transaction=False) as pipe:
            if done:
                pipe.xack(stream, group, *done)
            pipe.execute_command(
                *("XREADGROUP", "GROUP", group, self._consumer, "COUNT", _AT_ONCE, *block),
                *("STREAMS", stream, ">"),
            )
            *_, reply = await pipe.execute(raise_on_error=False)
        if isinstance(reply, Exception):
            raise reply
        return [entry for _, entries in reply or () for entry, _ in entries]

    async def _tidy(self, stream: str, group: str) -> None:
        """Delete consumers that are gone, forget bells that nobody acknowledged: the ledger remembers."""
        redis, idle = self._wire.waits, int(self._idle_after.total_seconds() * 1000)
        for consumer in await redis.xinfo_consumers(stream, group):
            if consumer["name"] != self._consumer and consumer["idle"] > idle:
                await _delete_consumer(stream, group, consumer["name"], redis)
        for _ in range(_FORGET_ROUNDS):
            stale = await redis.xpending_range(stream, group, "-", "+", _AT_ONCE, idle=idle)
            if stale:
                await redis.xack(stream, group, *(entry["message_id"] for entry in stale))
            if len(stale) < _AT_ONCE:
                return


async def _make_group(redis: Redis, stream: str, group: str) -> None:
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def _delete_consumer(stream: str, group: str, consumer: str, redis: Redis) -> None:
    await redis.xgroup_delconsumer(stream, group, consumer)
