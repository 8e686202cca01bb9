"""PostgreSQL from the wheel, its programs run by ourselves: no Python API that keeps lists of pids."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from secondme.domain.errors import ConfigError, StoreUnavailable
from secondme.embedded import processes
from secondme.embedded.folder import Access, full, is_full, refuse_full, sync_folder, write_private
from secondme.embedded.server import Loading, NotReady, Site, WrongPassword, telling_line
from secondme.embedded.wheels import postgres_program

WORKSHOP = "postgres.new"  # where a cluster is made, until it is whole

_ROLE = _DATABASE = "secondme"
# So that forgetting sees for whom deleted rows are kept, autovacuum's workers too, and can end the log of writes.
_GRANTS = (
    f"GRANT pg_read_all_stats TO {_ROLE}",
    f"GRANT pg_checkpoint TO {_ROLE}",
    f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {_ROLE}",
)
_GRANTED = "secondme.grants"  # in the cluster's folder: what has been granted in it
_TEMPLATE = "template1"  # new databases are copied from it
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_ACCESS_RULES = (
    f"host all {_ROLE} 127.0.0.1/32 scram-sha-256\n"  # the superuser has no way in but single-user mode
)

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a deep data directory is longer than a socket's name may be
    "max_connections": "100",
    "superuser_reserved_connections": "0",
    "scram_iterations": "1",  # the password is 256 random bits: stretching would only cost time
    "timezone": "UTC",
    # Small: one process a job that one owner needs, none for replication or parallel plans.
    "shared_buffers": "32MB",
    "maintenance_work_mem": "32MB",
    "effective_cache_size": "256MB",
    "huge_pages": "off",
    "io_method": "sync",
    "jit": "off",
    "max_parallel_workers": "0",
    "max_parallel_maintenance_workers": "0",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "2",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "wal_recycle": "off",  # a log of writes that is done with goes, and with it what was erased since
    "random_page_cost": "1.1",
    # Statements and values stay out of the log: whoever sent them is told.
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}


class Postgres:
    """The ledger's server."""

    name = "postgres"
    title = "PostgreSQL"
    polite = signal.SIGINT  # a fast shutdown: sessions are ended, the cluster is left clean

    async def prepare(self, site: Site, password: str) -> None:
        """Make the cluster beside its place, with role and database, then move it there in one step."""
        postgres_program("postgres")
        folder = site.data_dir / self.name
        if (folder / "PG_VERSION").exists():
            site.folder(self.name)
            if site.alone:
                # A pid in it may by now be another process of the same user; nothing of ours runs.
                (folder / "postmaster.pid").unlink(missing_ok=True)
            await self._catch_up(site, folder)
            return
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(
                f"{folder} is not a PostgreSQL cluster: move it away, or restore it from a backup."
            )
        await self._create(site, password)

    async def _create(self, site: Site, password: str) -> None:
        site.say("Creating the database (only the first time).")
        refuse_full(site.data_dir)
        workshop = site.data_dir / WORKSHOP
        await processes.stop(workshop, signal.SIGKILL)
        await asyncio.to_thread(shutil.rmtree, workshop, ignore_errors=True)
        site.folder(WORKSHOP)
        command: list[str | Path] = [
            postgres_program("initdb"),
            "-D",
            workshop,
            "-U",
            "postgres",
            "--auth=reject",
            *_LOCALE,
        ]
        await self._run(site, workshop, command)
        write_private(workshop / "pg_hba.conf", _ACCESS_RULES)
        if site.account:
            site.account.give(workshop / "pg_hba.conf")
        role = f"CREATE ROLE {_ROLE} LOGIN CREATEDB PASSWORD '{password}'"
        database = f"CREATE DATABASE {_DATABASE} OWNER {_ROLE}"
        await self._single_user(site, workshop, _TEMPLATE, role, *_GRANTS, database)
        _note_grants(site, workshop)
        workshop.rename(site.data_dir / self.name)
        sync_folder(site.data_dir)

    async def _catch_up(self, site: Site, cluster: Path) -> None:
        """Grant, once, what was not granted yet when the cluster was made."""
        note = cluster / _GRANTED
        if note.exists() and note.read_text() == "\n".join(_GRANTS):
            return
        for database in (_TEMPLATE, _DATABASE):
            await self._single_user(site, cluster, database, *_GRANTS)
        _note_grants(site, cluster)

    def launch(self, site: Site, access: Access) -> subprocess.Popen[bytes]:
        folder = site.data_dir / self.name
        settings = _SETTINGS | {"port": str(access.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [postgres_program("postgres"), "-D", folder, *options]
        return processes.spawn(command, folder, site.account, log=site.log(self.name))

    async def ping(self, access: Access) -> None:
        try:
            connection = await asyncpg.connect(self.url(access), timeout=5)
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise WrongPassword from error
        except asyncpg.TooManyConnectionsError:
            return  # up, and busy
        except asyncpg.CannotConnectNowError as error:
            raise Loading from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NotReady from error
        await connection.close(timeout=5)

    async def set_password(self, site: Site, password: str) -> None:
        statement = f"ALTER ROLE {_ROLE} PASSWORD '{password}'"
        await self._single_user(site, site.data_dir / self.name, _TEMPLATE, statement)

    def url(self, access: Access) -> str:
        return f"postgresql://{_ROLE}:{access.password}@127.0.0.1:{access.port}/{_DATABASE}"

    async def _single_user(self, site: Site, cluster: Path, database: str, *statements: str) -> None:
        """Run statements as the superuser, without a server; by standard input: `ps` shows no password."""
        said = ("scram_iterations=1", "exit_on_error=on", "log_min_messages=error", "wal_recycle=off")
        settings = [part for setting in said for part in ("-c", setting)]
        command: list[str | Path] = [
            postgres_program("postgres"),
            "--single",
            "-D",
            cluster,
            *settings,
            database,
        ]
        await self._run(site, cluster, command, "".join(f"{statement};\n" for statement in statements))

    async def _run(self, site: Site, cluster: Path, command: Sequence[str | Path], stdin: str = "") -> None:
        status, printed = await processes.run(command, cluster, site.account, stdin)
        if status and is_full(printed):
            raise full(site.data_dir)
        if status:
            raise StoreUnavailable(
                f"{self.title}: {telling_line(printed)} ({command[0]} ended with {status})."
            )


def _note_grants(site: Site, cluster: Path) -> None:
    write_private(cluster / _GRANTED, "\n".join(_GRANTS))
    if site.account:
        site.account.give(cluster / _GRANTED)
