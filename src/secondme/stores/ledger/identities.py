"""By which addresses a person is known: a number, the provider's own id, or both."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from secondme.domain.profile import Account
from secondme.observe.logs import get_logger
from secondme.stores.ledger import tombstones
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """One address on one account, as a channel gave it."""

    account: Account
    network: str  # identities.channel: `whatsapp` for every WhatsApp channel, else the channel's name
    key: str  # keyed digest
    address: str
    name: str | None
    also: str | None = None  # the provider's own id of the same person, where `address` is their number
    also_key: str | None = None

    @property
    def keys(self) -> list[str]:
        return [self.key] if self.also_key is None else [self.key, self.also_key]


_ROW = """SELECT i.id, i.user_id, i.channel_user_key, i.address, i.second_key, i.second_address, c.key, c.name
          FROM identities i JOIN contacts c ON c.id = i.user_id"""


async def find(tx: Connection, vault: Vault, where: Address, now: datetime) -> asyncpg.Record | None:
    """The identity meant, found by either key; a key that it lacked is added. None for somebody new.

    The caller holds the addresses' locks. The provider's own id outweighs the number: numbers are given to others.
    """
    rows = await tx.fetch(
        f"""{_ROW} WHERE i.channel = $1 AND i.channel_user_key = ANY($2)
            UNION ALL {_ROW} WHERE i.channel = $1 AND i.second_key = ANY($2)
              AND NOT (i.channel_user_key = ANY($2))""",
        where.network,
        where.keys,
    )
    if where.also_key is None:
        return rows[0] if rows else None
    by_id = next((r for r in rows if where.also_key in (r["channel_user_key"], r["second_key"])), None)
    by_number = next((r for r in rows if r["channel_user_key"] == where.key), None)
    if by_id is None and by_number is not None:
        return await _by_number(tx, vault, where, by_number, now)
    if by_id is not None and (by_number is None or by_number["id"] != by_id["id"]):
        await _other_number(tx, vault, where, by_id, by_number, now)
    return by_id


async def _other_number(
    tx: Connection,
    vault: Vault,
    where: Address,
    row: asyncpg.Record,
    holder: asyncpg.Record | None,
    now: datetime,
) -> None:
    """Somebody known by id shows a number that is not theirs yet: it is what is sent to, the old one is given away.

    Whoever holds it under another id has lost it. Whoever is known by it alone is the same person or has lost it, too.
    """
    if holder is not None and holder["second_key"] is not None:
        await _leave_number(tx, vault, holder, now)
    elif holder is not None:
        await _yield(tx, vault, where, holder, row, now)
    await _add_number(tx, vault, where, row)
    if row["second_key"] is not None:
        await _count_moved(tx, row)


async def _yield(
    tx: Connection,
    vault: Vault,
    where: Address,
    holder: asyncpg.Record,
    row: asyncpg.Record,
    now: datetime,
) -> None:
    """Two contacts turn out to have one number. From now on all of it leads to the one with the id, and whatever keeps
    us silent towards the other does so there: pauses, the owner's word, not being enabled. Nothing that was said goes
    with it, for they may be two persons, and what is delivered again of it is not said a second time; the other is
    disabled, as it has no address left.
    """
    await tombstones.bury(tx, vault, {holder["id"]: [where.key]}, now)
    both = (holder["id"], row["id"], row["user_id"])
    await tx.execute(
        """INSERT INTO pauses (id, user_id, reason, since, until)
           SELECT gen_random_uuid(), $2, p.reason, p.since, p.until FROM pauses p
           WHERE p.user_id = $1 AND p.lifted_at IS NULL""",
        holder["user_id"],
        row["user_id"],
    )
    # Locked here, before the group's others: should that ever cross somebody's way, the provider delivers again.
    await tx.execute(
        "SELECT 1 FROM conversations WHERE identity_id = ANY($1) ORDER BY id FOR UPDATE", list(both[:2])
    )
    await tx.execute(
        """INSERT INTO conversations (id, account_id, identity_id, user_id, created_at, enabled)
           SELECT gen_random_uuid(), a.account_id, $2, $3, a.created_at, false FROM conversations a
           WHERE a.identity_id = $1 AND NOT a.enabled
           ON CONFLICT (account_id, identity_id) DO UPDATE SET enabled = false""",
        *both,
    )
    await tx.execute(
        """UPDATE conversations b SET last_owner_at = greatest(b.last_owner_at, a.last_owner_at)
           FROM conversations a WHERE a.identity_id = $1 AND b.identity_id = $2 AND a.account_id = b.account_id""",
        *both[:2],
    )
    await tx.execute("UPDATE conversations SET enabled = false WHERE identity_id = $1", holder["id"])
    former = f"formerly {where.address}"
    await tx.execute(
        "UPDATE identities SET channel_user_key = $2, address = $3 WHERE id = $1",
        holder["id"],
        vault.digest("address", where.network, str(holder["id"])),
        seal(vault.contact_key(holder["user_id"], holder["key"]), former, _first(holder["id"])),
    )
    await _count_moved(tx, holder)
    log.warning("contact.known_twice", contact_id=row["user_id"], other_id=holder["user_id"])


async def _by_number(
    tx: Connection, vault: Vault, where: Address, row: asyncpg.Record, now: datetime
) -> asyncpg.Record | None:
    """Somebody known by number shows an id: theirs, or, where they have another one, a stranger's with that number."""
    if row["second_key"] is None:
        await _add_id(tx, vault, where, row)
        return row
    await _leave_number(tx, vault, row, now)
    return None


async def _add_id(tx: Connection, vault: Vault, where: Address, row: asyncpg.Record) -> None:
    key = vault.contact_key(row["user_id"], row["key"])
    await tx.execute(
        "UPDATE identities SET second_key = $2, second_address = $3 WHERE id = $1",
        row["id"],
        where.also_key,
        seal(key, where.also or "", _second(row["id"])),
    )


async def _add_number(tx: Connection, vault: Vault, where: Address, row: asyncpg.Record) -> None:
    """The number takes the first place: it is what the owner knows, and what is sent to."""
    key = vault.contact_key(row["user_id"], row["key"])
    await tx.execute(
        """UPDATE identities SET channel_user_key = $2, address = $3, second_key = $4, second_address = $5
           WHERE id = $1""",
        row["id"],
        where.key,
        seal(key, where.address, _first(row["id"])),
        where.also_key,
        seal(key, where.also or "", _second(row["id"])),
    )


async def _leave_number(tx: Connection, vault: Vault, row: asyncpg.Record, now: datetime) -> None:
    """The number belongs to somebody else now; who had it is known by the provider's id alone.

    What they had said under it and is delivered again is not the new owner's, nor does it take the number back.
    """
    await tombstones.bury(tx, vault, {row["id"]: [row["channel_user_key"]]}, now)
    key = vault.contact_key(row["user_id"], row["key"])
    await tx.execute(
        """UPDATE identities SET channel_user_key = second_key, address = $2, second_key = NULL,
             second_address = NULL WHERE id = $1""",
        row["id"],
        seal(key, unseal(key, row["second_address"], _second(row["id"])), _first(row["id"])),
    )
    await _count_moved(tx, row)


async def _count_moved(tx: Connection, row: asyncpg.Record) -> None:
    """Tell every process that what it remembers of numbers is no longer to be trusted."""
    await tx.execute(
        """INSERT INTO settings (key, value) VALUES ('numbers_moved', '1')
           ON CONFLICT (key) DO UPDATE SET value = to_jsonb(settings.value::text::bigint + 1)"""
    )
    log.warning("contact.number_moved", contact_id=row["user_id"])


def _first(identity_id: UUID) -> str:
    return f"identities:{identity_id}:address"


def _second(identity_id: UUID) -> str:
    return f"identities:{identity_id}:second_address"
