"""Attach and detach: the stores run while anybody holds them."""

import asyncio
import signal
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from secondme.domain.errors import StoreUnavailable
from secondme.embedded import processes
from secondme.embedded.account import let_in, server_account
from secondme.embedded.folder import check_version, explain, open_folder, read_accesses
from secondme.embedded.locks import FileLock, one_at_a_time
from secondme.embedded.postgres import WORKSHOP, Postgres
from secondme.embedded.redis_server import GRAPH, SIGNALS
from secondme.embedded.server import Server, Site, bring_up
from secondme.embedded.wheels import installed_trees

Need = Literal["postgres", "redis", "falkordb"]
NEEDS: frozenset[Need] = frozenset({"postgres", "redis", "falkordb"})

_SERVERS: dict[Need, Server] = {"postgres": Postgres(), "redis": SIGNALS, "falkordb": GRAPH}


@dataclass(frozen=True, slots=True)
class Addresses:
    """URLs with passwords in them: not for logs. None for what is not needed or does not run."""

    database_url: str | None = None
    redis_url: str | None = None
    falkordb_url: str | None = None


class EmbeddedStores:
    """A hold on the stores of one data directory. The last one who lets go stops them."""

    addresses: Addresses

    def __init__(self, data_dir: Path, need: Iterable[Need], say: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._need = [name for name in _SERVERS if name in frozenset(need)]
        self._say = say
        self._holder: FileLock | None = None

    @classmethod
    async def attach(
        cls, data_dir: Path, say: Callable[[str], None] = lambda line: None, need: Iterable[Need] = NEEDS
    ) -> Self:
        """Start the stores in `need`, or join those that run. `say` gets short lines for the owner.

        Raises ConfigError (not installed, not ours, written by something newer) and StoreUnavailable (disk
        full, a server does not start), each one line.
        """
        stores = cls(open_folder(data_dir), need, say)
        async with stores._decision():
            check_version(stores._data_dir)
            try:
                stores.addresses = await stores._hold()
            except BaseException:
                await stores._let_go()
                raise
        return stores

    async def revive(self) -> None:
        """Start again, at the same addresses, what has died since. Costs a few milliseconds when nothing has.

        Raises StoreUnavailable when it cannot be, or when another program took the port meanwhile.
        """
        async with self._decision():
            if self._holder and await self._bring_up(alone=False) != self.addresses:
                raise StoreUnavailable("A store came back on another port: restart SecondMe.")

    async def detach(self) -> None:
        """Let go; stops the stores when nobody else holds them. Again does nothing."""
        if self._holder:
            async with self._decision():
                await self._let_go()

    def _decision(self) -> AbstractAsyncContextManager[None]:
        return one_at_a_time(self._data_dir / "run" / "start.lock", self._say)

    async def _hold(self) -> Addresses:
        self._holder = FileLock(self._data_dir / "run" / "holders.lock")
        alone = self._holder.try_exclusive()
        self._holder.try_shared()
        return await self._bring_up(alone)

    async def _bring_up(self, alone: bool) -> Addresses:
        account = server_account(self._say)
        if account:
            let_in(account, self._data_dir, installed_trees(), self._say)
        site = Site(self._data_dir, account, alone, self._say)
        try:
            async with asyncio.TaskGroup() as group:
                for name in self._need:
                    group.create_task(bring_up(_SERVERS[name], site))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        except OSError as error:
            raise explain(error, self._data_dir) from error
        return _addresses(self._data_dir, self._need)

    async def _let_go(self) -> None:
        """Under the start lock. What a killed first start left half made is stopped too."""
        if not self._holder:
            return
        if self._holder.try_exclusive():
            stops = [
                processes.stop(self._data_dir / name, server.polite) for name, server in _SERVERS.items()
            ]
            await asyncio.gather(*stops, processes.stop(self._data_dir / WORKSHOP, signal.SIGKILL))
        self._holder.close()
        self._holder = None


def running(data_dir: Path) -> Addresses | None:
    """The addresses of the stores that run in `data_dir`; None when none does. Starts and changes nothing."""
    data_dir = data_dir.expanduser().resolve()
    found = [name for name in _SERVERS if processes.find(data_dir / name)]
    return _addresses(data_dir, found) if found else None


def _addresses(data_dir: Path, names: Iterable[Need]) -> Addresses:
    accesses = read_accesses(data_dir)
    urls = {name: _SERVERS[name].url(accesses[name]) for name in names if name in accesses}
    return Addresses(urls.get("postgres"), urls.get("redis"), urls.get("falkordb"))
