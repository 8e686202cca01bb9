"""By which addresses a person is known: a number, the provider's own id, or both."""

from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from secondme.observe.logs import get_logger
from secondme.stores.ledger import tombstones
from secondme.stores.ledger.addresses import Address, first, noted, second, unique
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal

log = get_logger(__name__)


# An id noted for another business that has an account is nobody's here, unless this one has heard of them and knows no
# other id of theirs: what they said must not be taken for somebody else's when it is delivered again.
_ELSEWHERE = """h.key IS DISTINCT FROM $3 AND EXISTS (SELECT 1 FROM provider_ids p JOIN accounts a ON a.scope = p.scope
      WHERE p.identity_id = i.id AND p.key = $3 AND p.scope <> $4)
    AND (h.id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM conversations v JOIN accounts a ON a.id = v.account_id
      WHERE v.identity_id = i.id AND a.scope = $4))"""
# `here`: their id in this account's business; what was noted before businesses were told apart counts for each.
_FIND = f"""SELECT i.id, i.user_id, i.channel_user_key, i.address, i.second_key, i.second_address, c.key, c.name,
    CASE WHEN n.keys IS NULL THEN i.second_key ELSE h.key END AS here, h.id AS here_id, h.address AS here_address,
    ($3 IN (i.channel_user_key, i.second_key) OR $3 = ANY(n.keys)) AND NOT ({_ELSEWHERE}) AS shows,
    h.key = $3 AS noted, h.id IS NULL AND $3 = ANY(n.keys) AS to_note
  FROM identities i JOIN contacts c ON c.id = i.user_id
  LEFT JOIN LATERAL (SELECT array_agg(p.key) AS keys FROM provider_ids p WHERE p.identity_id = i.id) n ON true
  LEFT JOIN provider_ids h ON h.identity_id = i.id AND h.scope = $4
  WHERE i.id IN (
    SELECT x.id FROM identities x WHERE x.channel = $1 AND x.channel_user_key = ANY($2)
    UNION SELECT x.id FROM identities x WHERE x.channel = $1 AND x.second_key = ANY($2)
    UNION SELECT p.identity_id FROM provider_ids p WHERE p.key = ANY($2))
  ORDER BY h.key = $3 DESC NULLS LAST"""


async def find(tx: Connection, vault: Vault, where: Address, now: datetime) -> asyncpg.Record | None:
    """The identity meant, found by either key; a key that it lacked is added. None for somebody new.

    The caller holds the addresses' locks. The provider's own id outweighs the number, for numbers are given to others,
    but only against an id of the same business: another's says nothing of whose the number is.
    """
    rows = await tx.fetch(_FIND, where.network, where.keys, where.shown, where.account.scope)
    by_id = next((r for r in rows if r["shows"]), None)
    if where.also_key is None:
        if by_id is not None and by_id["to_note"]:  # it was noted before the owner said whose the account is
            await note(tx, by_id["id"], where, vault.contact_key(by_id["user_id"], by_id["key"]))
        return by_id
    by_number = next((r for r in rows if r["channel_user_key"] == where.key), None)
    if by_id is None:
        found = None if by_number is None else await _by_number(tx, vault, where, by_number, now)
    elif by_number is None or by_number["id"] != by_id["id"]:
        found = await _other_number(tx, vault, where, by_id, by_number, now)
    else:
        found = by_id
    if found is not None and not found["noted"]:
        await note(tx, found["id"], where, vault.contact_key(found["user_id"], found["key"]))
    return found


async def note(tx: Connection, identity_id: UUID, where: Address, key: bytes) -> None:
    """Remember by which id this account's business knows them; `key` is the contact's."""
    row = uuid4()
    await tx.execute(
        """INSERT INTO provider_ids (id, identity_id, scope, key, address) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (identity_id, scope) DO UPDATE SET id = $1, key = $4, address = $5""",
        row,
        identity_id,
        where.account.scope,
        where.shown,
        seal(key, where.also or where.address, noted(row)),
    )


async def keys_of(tx: Connection, contact_id: UUID) -> list[tuple[UUID, str, list[str]]]:
    """(identity, network, keyed addresses) of everything by which a contact is known."""
    rows = await tx.fetch(
        """SELECT i.id, i.channel, array_remove(ARRAY[i.channel_user_key, i.second_key]
             || ARRAY(SELECT p.key FROM provider_ids p WHERE p.identity_id = i.id), NULL) AS keys
           FROM identities i WHERE i.user_id = $1""",
        contact_id,
    )
    return [(row["id"], row["channel"], sorted(set(row["keys"]))) for row in rows]


async def _other_number(
    tx: Connection,
    vault: Vault,
    where: Address,
    row: asyncpg.Record,
    holder: asyncpg.Record | None,
    now: datetime,
) -> asyncpg.Record:
    """Somebody known by id shows a number that is not theirs yet: it is what is sent to, the old one is given away.

    Whoever holds it under another id of one business has lost it. Whoever is known by it alone is the same person or
    has lost it, too. Whoever holds it with ids of other businesses alone is the same person, and goes on: each business
    would take the number from the other for ever. Returns who goes on.
    """
    if holder is not None:
        await _have(tx, holder["id"], row["id"])
    elif row["second_key"] is not None:
        await _have(tx, row["id"])
    if holder is not None and await _strangers(tx, holder, row):
        await _leave_number(tx, vault, where, holder, now)
    elif holder is not None and holder["second_key"] is None:
        await _yield(tx, vault, where, holder, row, now)
    elif holder is not None:
        await _yield(tx, vault, where, row, holder, now)
        return holder
    await _add_number(tx, vault, where, row)
    if row["second_key"] is not None:
        await _count_moved(tx, row)
    return row


async def _strangers(tx: Connection, one: asyncpg.Record, other: asyncpg.Record) -> bool:
    """Whether some business knows them by two ids. `one` does not show the id of `other`."""
    return one["here"] is not None or bool(
        await tx.fetchval(
            """SELECT EXISTS (SELECT 1 FROM provider_ids a JOIN provider_ids b ON b.scope = a.scope AND b.key <> a.key
             WHERE a.identity_id = $1 AND b.identity_id = $2)""",
            one["id"],
            other["id"],
        )
    )


async def _yield(
    tx: Connection,
    vault: Vault,
    where: Address,
    holder: asyncpg.Record,
    row: asyncpg.Record,
    now: datetime,
) -> None:
    """Two contacts turn out to have one address. From now on all of it leads to `row`, who is as silent as `holder`.

    Nothing that was said goes with it, for they may be two persons, and what is delivered again of it is not said a
    second time; the other is disabled, as it has no address left. The caller has both.
    """
    await tombstones.bury(tx, vault, {holder["id"]: [holder["channel_user_key"], *where.keys]}, now)
    await _silence_as(tx, holder, row)
    await tx.execute("UPDATE conversations SET enabled = false WHERE identity_id = $1", holder["id"])
    key = vault.contact_key(holder["user_id"], holder["key"])
    former = f"formerly {unseal(key, holder['address'], first(holder['id']))}"
    await tx.execute("DELETE FROM provider_ids WHERE identity_id = $1", holder["id"])
    await tx.execute(
        """UPDATE identities SET channel_user_key = $2, address = $3, second_key = NULL, second_address = NULL
           WHERE id = $1""",
        holder["id"],
        vault.digest("address", where.network, str(holder["id"])),
        seal(key, former, first(holder["id"])),
    )
    await _count_moved(tx, holder)
    log.warning("contact.known_twice", contact_id=row["user_id"], other_id=holder["user_id"])


async def _silence_as(tx: Connection, holder: asyncpg.Record, row: asyncpg.Record) -> None:
    """Whatever keeps us silent towards `holder` does so towards `row`: pauses, the owner's word, not being enabled."""
    both = (holder["id"], row["id"], row["user_id"])
    await tx.execute(
        """INSERT INTO pauses (id, user_id, reason, since, until)
           SELECT gen_random_uuid(), $2, p.reason, p.since, p.until FROM pauses p
           WHERE p.user_id = $1 AND p.lifted_at IS NULL""",
        holder["user_id"],
        row["user_id"],
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


async def _by_number(
    tx: Connection, vault: Vault, where: Address, row: asyncpg.Record, now: datetime
) -> asyncpg.Record | None:
    """Somebody known by number shows an id: theirs, or, where this business has another one of them, a stranger's with
    that number."""
    if row["here"] is not None:
        await _have(tx, row["id"])
        await _leave_number(tx, vault, where, row, now)
        return None
    if row["second_key"] is None:
        await _add_id(tx, vault, where, row)
    return row


async def _add_id(tx: Connection, vault: Vault, where: Address, row: asyncpg.Record) -> None:
    key = vault.contact_key(row["user_id"], row["key"])
    await tx.execute(
        "UPDATE identities SET second_key = $2, second_address = $3 WHERE id = $1",
        row["id"],
        await unique(tx, vault, where, row["id"], where.shown),
        seal(key, where.also or "", second(row["id"])),
    )


async def _add_number(tx: Connection, vault: Vault, where: Address, row: asyncpg.Record) -> None:
    """The number takes the first place: it is what the owner knows, and what is sent to."""
    key = vault.contact_key(row["user_id"], row["key"])
    await tx.execute(
        """UPDATE identities SET channel_user_key = $2, address = $3, second_key = $4, second_address = $5
           WHERE id = $1""",
        row["id"],
        where.key,
        seal(key, where.address, first(row["id"])),
        await unique(tx, vault, where, row["id"], where.shown),
        seal(key, where.also or "", second(row["id"])),
    )


async def _leave_number(
    tx: Connection, vault: Vault, where: Address, row: asyncpg.Record, now: datetime
) -> None:
    """The number belongs to somebody else now; who had it is known by one id alone, this business's where it has one:
    those that others showed with the number may be its new owner's.

    What they had said under it and is delivered again is not the new owner's, nor does it take the number back. The
    caller has them.
    """
    await tombstones.bury(tx, vault, {row["id"]: [row["channel_user_key"]]}, now)
    key = vault.contact_key(row["user_id"], row["key"])
    if row["here_address"] is None:
        only, address = row["second_key"], unseal(key, row["second_address"], second(row["id"]))
    else:
        only, address = row["here"], unseal(key, row["here_address"], noted(row["here_id"]))
    await tx.execute("DELETE FROM provider_ids WHERE identity_id = $1 AND key <> $2", row["id"], only)
    await tx.execute(
        """UPDATE identities SET channel_user_key = $2, address = $3, second_key = NULL, second_address = NULL
           WHERE id = $1""",
        row["id"],
        await unique(tx, vault, where, row["id"], only),
        seal(key, address, first(row["id"])),
    )
    await _count_moved(tx, row)


async def _have(tx: Connection, *identities: UUID) -> None:
    """Have their conversations to oneself, before what was said there is read: nothing is added to it then.

    And before the group's others: should that ever cross somebody's way, the provider delivers again.
    """
    await tx.execute(
        "SELECT 1 FROM conversations WHERE identity_id = ANY($1) ORDER BY id FOR UPDATE", identities
    )


async def _count_moved(tx: Connection, row: asyncpg.Record) -> None:
    """Tell every process that what it remembers of numbers is no longer to be trusted.

    The caller has them: who is just being written to by what it remembers comes before, or sees it.
    """
    await tx.execute(
        """INSERT INTO settings (key, value) VALUES ('numbers_moved', '1')
           ON CONFLICT (key) DO UPDATE SET value = to_jsonb(settings.value::text::bigint + 1)"""
    )
    log.warning("contact.number_moved", contact_id=row["user_id"])
