"""What nobody could read, kept sealed so that its batch can go on, and not again once its sender is forgotten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from secondme.stores.ledger import tombstones
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal

# Shared by whoever keeps, exclusive to whoever forgets: each then sees what the other has done.
_SHARE, _HAVE = "SELECT pg_advisory_xact_lock_shared(7103006, 0)", "SELECT pg_advisory_xact_lock(7103006, 0)"


@dataclass(frozen=True, slots=True)
class Aside:
    """An item to be kept aside. `address` is the keyed digest of who sent it, where that is known."""

    account_id: str
    payload: bytes
    error: str
    address: str | None = None
    at_most: int | None = None  # so many of this account with this error are kept, and no more


async def keep(tx: Connection, vault: Vault, items: Sequence[Aside], now: datetime) -> int:
    """Keep each once, sealed with the owner's key; returns how many are new.

    What is delivered again is not, nor what a forgotten sender sent, nor what goes beyond its `at_most`.
    """
    by_digest = {vault.digest("kept_aside", i.account_id, i.address or "", i.payload.hex()): i for i in items}
    # One order for all, so that two who keep the same do not wait for each other in a circle.
    rows = [_row(vault, digest, item) for digest, item in sorted(by_digest.items())]
    await tx.execute(_SHARE)
    done = await tx.execute(
        """WITH held AS MATERIALIZED (
             SELECT k.account_id, k.error, count(*) AS count FROM kept_aside k WHERE k.error = ANY($2) GROUP BY 1, 2),
           new AS (
             SELECT x.*, row_number() OVER (PARTITION BY x.account_id, x.error ORDER BY x.digest) AS place
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::bigint[])
               AS x (id, account_id, address, error, payload, digest, at_most)
             WHERE NOT EXISTS (SELECT 1 FROM kept_aside k WHERE k.digest = x.digest)
               AND NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.digest = x.digest AND t.expires_at > $1))
           INSERT INTO kept_aside (id, account_id, address, created_at, error, payload, digest)
           SELECT n.id, n.account_id, n.address, $1, n.error, n.payload, n.digest
           FROM new n LEFT JOIN held h ON h.account_id = n.account_id AND h.error = n.error
           WHERE n.at_most IS NULL OR n.place + coalesce(h.count, 0) <= n.at_most
           ORDER BY n.digest ON CONFLICT DO NOTHING""",
        now,
        sorted({item.error for item in items if item.at_most is not None}),
        *zip(*rows, strict=True),
    )
    return int(done.rpartition(" ")[2])


async def forget(tx: Connection, addresses: Collection[str], now: datetime) -> None:
    """Erase what came from these keyed addresses; tombstones stay, so that a redelivery is not kept again."""
    await tx.execute(_HAVE)
    rows = await tx.fetch("DELETE FROM kept_aside WHERE address = ANY($1) RETURNING digest", addresses)
    await tombstones.put(tx, {row["digest"] for row in rows if row["digest"]}, now)


def _row(vault: Vault, digest: str, item: Aside) -> tuple[object, ...]:
    row = uuid4()
    sealed = seal(vault.owner_key, item.payload, f"kept_aside:{row}:payload")
    return row, item.account_id, item.address, item.error, sealed, digest, item.at_most
