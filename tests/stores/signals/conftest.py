"""A real Redis on a free loopback port, with a password, ended by its pid."""

import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from secondme.embedded.wheels import redis_program
from secondme.stores.signals import RedisSignals

PASSWORD = "a-password-for-tests"


class RedisProcess:
    """One server that forgets everything when it ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder))
        self._process = subprocess.Popen(
            [redis_program(), "-", *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        self._process.stdin.write(f"requirepass {PASSWORD}\n".encode())
        self._process.stdin.close()
        client, ends = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0)), time.monotonic() + 10
        with client:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError:
                    assert time.monotonic() < ends, "redis-server did not start"
                    time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path_factory.mktemp("redis"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def redis_client(shared_redis: RedisProcess) -> AsyncIterator[Redis]:
    """An independent client of an empty server."""
    async with Redis.from_url(shared_redis.url, decode_responses=True, protocol=2) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def signals(shared_redis: RedisProcess, redis_client: Redis) -> AsyncIterator[RedisSignals]:
    found = RedisSignals(shared_redis.url)
    yield found
    await found.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """A server that a test may kill, stop and start."""
    process = RedisProcess(tmp_path)
    process.start()
    yield process
    process.kill()
