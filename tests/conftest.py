"""What every test stands on: real stores, started once for the session; a database of its own for each test."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

import secondme.llm
from secondme.embedded import Addresses, EmbeddedStores
from secondme.observe.logs import configure
from tests.support.world import World

secondme.llm.wire_open = False  # no test asks a model outside of this machine
configure("test", stderr=False, strict=True)  # a log line that could hold content fails its test


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long forms of those tests that have one")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: has a long form")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks those that have a long form: `make faults` runs no others."""
    for item in items:
        if isinstance(item, pytest.Function) and "long" in item.fixturenames:
            item.add_marker("long")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form was asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def addresses() -> Iterator[Addresses]:
    """The three embedded stores, held for the whole session.

    Outside pytest's own folders: another run resets their modes, and Postgres runs as another user.
    """
    folder = Path(tempfile.mkdtemp(prefix="secondme-stores-"))

    async def start() -> EmbeddedStores:
        return await EmbeddedStores.attach(folder)

    stores = asyncio.run(start())
    yield stores.addresses
    asyncio.run(stores.detach())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(addresses: Addresses) -> str:
    """The name of a migrated database that tests copy."""
    from secondme.stores.ledger import migrate
    from tests.support.world import with_database

    name = "template_secondme"

    async def make() -> None:
        connection = await asyncpg.connect(addresses.database_url)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        await migrate.migrate(with_database(addresses.database_url or "", name))

    asyncio.run(make())
    return name


@pytest_asyncio.fixture
async def world(addresses: Addresses, template: str, tmp_path: Path) -> AsyncIterator[World]:
    """An open pipeline on stores of its own, with a clock that a test may move and phones that it may read."""
    async with World.open(addresses, template, tmp_path) as opened:
        yield opened
