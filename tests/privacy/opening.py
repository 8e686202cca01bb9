"""Whatever the instance's own keys still open: what a thief of the database and of the key would read."""

from collections.abc import Iterator
from contextlib import suppress

import asyncpg
from cryptography.exceptions import InvalidTag

from secondme.stores.ledger import Ledger
from secondme.stores.vault import unseal

# The name in the seal where it is not the column's.
NAMED = {("messages", "raw_payload"): "raw"}


async def opened(ledger: Ledger) -> dict[str, str]:
    """Every sealed value of every table that some key opens, as `table.column id: text`."""
    found: dict[str, str] = {}
    async with ledger.transaction() as tx:
        contacts = await tx.fetch("SELECT id, key FROM contacts")
        keys = [ledger.vault.contact_key(row["id"], row["key"]) for row in contacts]
        keys.append(ledger.vault.owner_key)
        columns = await tx.fetch(
            """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'public' AND data_type = 'bytea'
                 AND (table_name, column_name) NOT IN (('contacts', 'key'), ('keyring', 'wrapped'))"""
        )
        for table, column in columns:
            rows = await tx.fetch(f"SELECT id, {column} AS sealed FROM {table} WHERE {column} IS NOT NULL")
            for row in rows:
                seal = f"{table}:{row['id']}:{NAMED.get((table, column), column)}"
                found |= {f"{table}.{column} {row['id']}": text for text in _tried(keys, row, seal)}
    return found


def _tried(keys: list[bytes], row: asyncpg.Record, seal: str) -> Iterator[str]:
    for key in keys:
        with suppress(InvalidTag):
            yield unseal(key, row["sealed"], seal)


def where(found: dict[str, str], word: str) -> list[str]:
    """The columns in which a word can be read."""
    return sorted({place.split(" ")[0] for place, text in found.items() if word in text})
