"""`db`: the ledger's schema, its first rows, and its end."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from secondme.cli import show
from secondme.cli.opening import opened, prepare, refuse_unused, tell
from secondme.domain.errors import Invalid
from secondme.embedded import EmbeddedStores
from secondme.loading import load
from secondme.settings import Settings
from secondme.stores.ledger import migrate, voices

_WORD = "reset"


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[str]:
    """The ledger's address; an embedded one runs as long as the block."""
    prepare(settings, "cli")
    if settings.database_url:
        yield settings.database_url
        return
    stores = await EmbeddedStores.attach(settings.data_dir, tell, ["postgres"])
    try:
        yield stores.addresses.database_url or ""
    finally:
        await stores.detach()


async def bring_up_to_date() -> None:
    """To the newest schema."""
    async with _database(load()) as dsn:
        done = await migrate.migrate(dsn)
        print(f"The ledger {'now has' if done else 'already has'} schema {migrate.newest()}, the newest.")


async def seed() -> None:
    """The default personas, where they are missing; opening the instance puts them there."""
    async with opened() as app:
        async with app.ledger.transaction() as tx:
            names = [persona.name for persona in await voices.personas(tx, app.ledger.vault)]
        print(f"The ledger has {show.count(len(names), 'persona')}: {', '.join(names)}.")


async def reset(*, erase_server: bool) -> None:
    """Drop everything and begin anew, once the owner has typed that they mean it. Raises Invalid."""
    settings = load()
    _refuse_precious(settings, erase_server=erase_server)
    refuse_unused(settings)
    async with _database(settings) as dsn:
        await migrate.current(dsn)  # says what to do where Postgres does not answer
        await _refuse_used(dsn)
        tell(f"This erases every contact, message and voice. Type {_WORD} to go on:")
        if sys.stdin.readline().strip() != _WORD:
            raise Invalid("Nothing was erased.")
        await migrate.reset(dsn)
    print("The ledger is empty, with the newest schema. If everything was stopped, it still is.")


def _refuse_precious(settings: Settings, *, erase_server: bool) -> None:
    if os.environ.get("SECONDME_ENV", "").lower() == "production":
        raise Invalid("SECONDME_ENV is production: this ledger is not reset.")
    if settings.database_url and not erase_server:
        raise Invalid(
            "DATABASE_URL names a server of your own: pass --yes-erase-everything if its `public` schema may go."
        )


async def _refuse_used(dsn: str) -> None:
    """A running process would go on with keys and ids that no longer exist."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        others = await connection.fetchval(
            "SELECT count(DISTINCT client_port) FROM pg_stat_activity"
            " WHERE application_name = 'secondme' AND datname = current_database()"
        )
    finally:
        await connection.close()
    if others:
        raise Invalid("SecondMe is running on this ledger: stop it first, then reset.")
