"""What must not come back: keyed digests of what was said, by the address under which it may be delivered again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault

_STANDS = timedelta(days=8)


def tombstone(vault: Vault, account_id: str, address_digest: str, said: str) -> str:
    """What remains of a message: a keyed digest. `said` is the digest of its provider's id, or our own id."""
    return vault.digest("tombstone", account_id, address_digest, said)


async def bury(tx: Connection, vault: Vault, keys: Mapping[UUID, Sequence[str]], now: datetime) -> None:
    """Tombstones for what was said and for what we said, which may yet come back as an echo: by the provider's id,
    and by ours, which is all there is of a delivery whose answer never came.

    `keys` are the keyed addresses, by identity.
    """
    rows = await tx.fetch(
        """SELECT m.account_id, m.identity_id, ARRAY[m.source_message_id] AS said FROM messages m
           WHERE m.identity_id = ANY($1) AND m.created_at > $2
           UNION ALL
           SELECT d.account_id, c.identity_id, d.id::text || ARRAY[d.provider_message_id]
           FROM conversations c JOIN deliveries d ON d.conversation_id = c.id
           WHERE c.identity_id = ANY($1) AND d.kind NOT IN ('typing', 'read') AND d.in_flight_at > $2""",
        list(keys),
        now - _STANDS,
    )
    stones = {
        tombstone(vault, row["account_id"], key, said)
        for row in rows
        for key in keys[row["identity_id"]]
        for said in row["said"]
        if said
    }
    await put(tx, stones, now)


async def put(tx: Connection, digests: Collection[str], now: datetime) -> None:
    """Let these stand from now on."""
    await tx.execute(
        """INSERT INTO tombstones (digest, expires_at) SELECT x, $2 FROM unnest($1::text[]) AS x ORDER BY x
           ON CONFLICT DO NOTHING""",
        list(digests),
        now + _STANDS,
    )


async def standing(tx: Connection, digests: Sequence[str], now: datetime) -> set[str]:
    """Which of these tombstones stand: a late redelivery must bring nothing back."""
    rows = await tx.fetch(
        "SELECT digest FROM tombstones WHERE digest = ANY($1) AND expires_at > $2", digests, now
    )
    return {row["digest"] for row in rows}
