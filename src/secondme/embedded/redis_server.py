"""The two Redis servers from the wheel: a bare one for signals, and one that FalkorDB makes a graph."""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from secondme.embedded import processes
from secondme.embedded.folder import Access
from secondme.embedded.server import Loading, NotReady, Site, WrongPassword
from secondme.embedded.wheels import falkordb_module, redis_program

_COMMON = (
    *("--bind", "127.0.0.1"),
    *("--databases", "1"),
    *("--set-proc-title", "no"),  # its arguments are how we know it again
    # What is written through it stays out of its log, whatever goes wrong.
    *("--hide-user-data-from-log", "yes"),
    *("--crash-log-enabled", "no"),
    *("--slowlog-log-slower-than", "-1"),
)


class RedisServer:
    """A Redis in a folder of its own."""

    polite = signal.SIGTERM

    def __init__(self, name: str, title: str, *options: str) -> None:
        self.name = name
        self.title = title
        self._options = options

    def options(self) -> Sequence[str | Path]:
        """What the command line says beyond place and port. Raises ConfigError when a wheel is missing."""
        return [*_COMMON, *self._options]

    async def prepare(self, site: Site, password: str) -> None:
        redis_program()
        site.folder(self.name)

    def launch(self, site: Site, access: Access) -> subprocess.Popen[bytes]:
        folder = site.data_dir / self.name
        place = ("--dir", folder, "--port", str(access.port))
        # `-` reads the rest from standard input: `ps` shows no password, and no other file holds it.
        command = [redis_program(), "-", *place, *self.options()]
        return processes.spawn(
            command, folder, site.account, f"requirepass {access.password}\n", site.log(self.name)
        )

    async def ping(self, access: Access) -> None:
        client = Redis(
            port=access.port, password=access.password, socket_timeout=5, retry=Retry(NoBackoff(), retries=0)
        )
        try:
            await client.ping()
        except exceptions.AuthenticationError as error:
            raise WrongPassword from error
        except exceptions.BusyLoadingError as error:
            raise Loading from error
        except (OSError, exceptions.RedisError) as error:
            raise NotReady from error
        finally:
            await client.aclose()

    async def set_password(self, site: Site, password: str) -> None:
        """Nothing to do: it is given at each start."""

    def url(self, access: Access) -> str:
        return f"redis://:{access.password}@127.0.0.1:{access.port}/0"


# Bells, counters, caches: a mirror that may be lost, snapshotted as documented.
SIGNALS = RedisServer(
    "redis",
    "Redis",
    *("--save", "900 1 300 10 60 10000"),
    *("--shutdown-on-sigterm", "save force"),
    *("--stop-writes-on-bgsave-error", "no"),
    *("--maxmemory", "256mb"),
    *("--maxmemory-policy", "volatile-lru"),
    *("--notify-keyspace-events", "Ex"),
)


class GraphServer(RedisServer):
    """What is known: every write is on the disk before it is answered."""

    def options(self) -> Sequence[str | Path]:
        threads = str(min(4, os.cpu_count() or 1))
        # CMD_INFO is the telemetry stream, which would keep the parameters of queries. CACHE_SIZE: plans; learning,
        # recall and the mirror have more than the 25 of the default, and to make one takes milliseconds. Last: what is
        # new is copied with every write, until so many changes are pending and something is deleted.
        module = (
            "--loadmodule",
            falkordb_module(),
            *("CMD_INFO", "no"),
            *("THREAD_COUNT", threads),
            *("OMP_THREAD_COUNT", "1"),
            *("CACHE_SIZE", "100"),
            *("DELTA_MAX_PENDING_CHANGES", "500"),
        )
        return [*super().options(), *module]


GRAPH = GraphServer(
    "falkordb",
    "FalkorDB",
    *("--save", ""),
    *("--shutdown-on-sigterm", "nosave force"),
    *("--appendonly", "yes"),
    *("--appendfsync", "always"),
)
