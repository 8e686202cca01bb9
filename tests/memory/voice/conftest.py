"""A ledger of its own for each test that keeps replies."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest_asyncio

from secondme.embedded import Addresses
from secondme.stores.ledger import Ledger
from secondme.stores.vault import KeyRing, new_key
from tests.support.world import with_database


@pytest_asyncio.fixture
async def ledger(addresses: Addresses, template: str) -> AsyncIterator[Ledger]:
    name = f"voice_{uuid4().hex}"
    connection = await asyncpg.connect(addresses.database_url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    opened = await Ledger.open(with_database(addresses.database_url or "", name), KeyRing([new_key()]))
    yield opened
    await opened.close()
