"""Accounts, contacts and identities: who writes to which number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg

from secondme.domain.contact import ContactRow
from secondme.domain.profile import Account, Profile
from secondme.stores.ledger import identities
from secondme.stores.ledger.addresses import Address as Address
from secondme.stores.ledger.addresses import first, second, unique
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal


@dataclass(frozen=True, slots=True)
class Whom:
    """Where an address leads: the ids and the contact's key."""

    contact_id: UUID
    identity_id: UUID
    conversation_id: UUID
    key: bytes


def network_of(channel: str) -> str:
    """The documented identities.channel: one for all ways to WhatsApp, so that a person stays one contact."""
    return "simulator" if channel == "simulator" else "whatsapp"


async def put_accounts(tx: Connection, accounts: Iterable[Account]) -> None:
    """Make the ledger know the accounts and what of their profiles statements need."""
    await tx.executemany(
        """INSERT INTO accounts (id, channel, profile, takes, debounce, debounce_cap, content_window, quote_after,
             quote_behind, scope)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (id) DO UPDATE SET channel = $2, profile = $3, takes = $4, debounce = $5, debounce_cap = $6,
             content_window = $7, quote_after = $8, quote_behind = $9, scope = $10""",
        [(a.id, a.channel, *_kept(a.profile), a.scope) for a in accounts],
    )


def _kept(p: Profile) -> tuple[object, ...]:
    return p.name, p.takes, p.debounce, p.debounce_cap, p.content_window, p.quote_after, p.quote_behind


async def resolve(tx: Connection, vault: Vault, addresses: Sequence[Address], now: datetime) -> list[Whom]:
    """Contact, identity and conversation of each address, made where missing; two at once make one."""
    await lock(tx, addresses)
    return await meet(tx, vault, addresses, now)


async def lock(tx: Connection, addresses: Iterable[Address]) -> None:
    """Have these to oneself until the transaction ends: nobody else meets, merges or forgets who is behind them."""
    await lock_addresses(tx, {f"{a.network}:{key}" for a in addresses for key in a.keys})


async def meet(tx: Connection, vault: Vault, addresses: Sequence[Address], now: datetime) -> list[Whom]:
    """`resolve` for a caller that has locked the addresses, and asked for tombstones since.

    Raises ConfigError or InvalidTag where a contact's key, or an address, does not open.
    """
    # Who shows two addresses first, so that either alone then leads to them.
    order = sorted(range(len(addresses)), key=lambda place: addresses[place].also_key is None)
    found = {place: await _resolve_one(tx, vault, addresses[place], now) for place in order}
    return [found[place] for place in range(len(addresses))]


async def lock_addresses(tx: Connection, addresses: Iterable[str]) -> None:
    """Meet or forget these (`network:digest`) one after the other; taken before any row lock, in one order."""
    await tx.execute(
        """SELECT pg_advisory_xact_lock(7103002, a.place)
           FROM (SELECT DISTINCT hashtext(x) AS place FROM unnest($1::text[]) AS x ORDER BY place) a""",
        list(addresses),
    )


async def _resolve_one(tx: Connection, vault: Vault, where: Address, now: datetime) -> Whom:
    row = await identities.find(tx, vault, where, now)
    if row is None:
        contact_id, identity_id, key = await _create(tx, vault, where, now)
    else:
        contact_id, identity_id = row["user_id"], row["id"]
        key = vault.contact_key(contact_id, row["key"])
        if row["name"] is None and where.name:
            await tx.execute(
                "UPDATE contacts SET name = $2 WHERE id = $1", contact_id, _name(key, contact_id, where.name)
            )
    # One that is there is not touched: its row lock is taken later, with the others', in id order.
    conversation_id = await tx.fetchval(
        """INSERT INTO conversations (id, account_id, identity_id, user_id, created_at, enabled)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, identity_id) DO NOTHING RETURNING id""",
        uuid4(),
        where.account.id,
        identity_id,
        contact_id,
        now,
        where.account.profile.new_contacts_enabled,
    ) or await tx.fetchval(
        "SELECT id FROM conversations WHERE account_id = $1 AND identity_id = $2",
        where.account.id,
        identity_id,
    )
    return Whom(contact_id, identity_id, conversation_id, key)


async def _create(tx: Connection, vault: Vault, where: Address, now: datetime) -> tuple[UUID, UUID, bytes]:
    contact_id, identity_id = uuid4(), uuid4()
    key, wrapped = vault.new_contact_key(contact_id)
    name = _name(key, contact_id, where.name) if where.name else None
    key_first = await unique(tx, vault, where, identity_id, where.key)
    key_second = where.also_key and await unique(tx, vault, where, identity_id, where.also_key)
    await tx.execute(
        "INSERT INTO contacts (id, created_at, key, name) VALUES ($1, $2, $3, $4)",
        contact_id,
        now,
        wrapped,
        name,
    )
    await tx.execute(
        """INSERT INTO identities (id, user_id, channel, channel_user_key, address, created_at, second_key,
             second_address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        identity_id,
        contact_id,
        where.network,
        key_first,
        seal(key, where.address, first(identity_id)),
        now,
        key_second,
        seal(key, where.also, second(identity_id)) if where.also else None,
    )
    if where.also_key is not None or key_first != where.key:
        await identities.note(tx, identity_id, where, key)
    return contact_id, identity_id, key


def _name(key: bytes, contact_id: UUID, name: str) -> bytes:
    """A display name, sealed. Names are untrusted: they are shown and nothing else."""
    return seal(key, name[:100], f"contacts:{contact_id}:name")


_ROW = """SELECT c.id, c.key, c.name, c.relationship, c.persona_id, i.id AS identity_id, i.address, i.second_address,
                 v.id AS conversation_id, v.account_id, v.enabled, v.last_inbound_at,
                 greatest(v.last_inbound_at, v.last_owner_at) AS last_at
          FROM contacts c JOIN identities i ON i.user_id = c.id LEFT JOIN conversations v ON v.identity_id = i.id"""


async def everyone(
    tx: Connection, vault: Vault, limit: int | None = None, served: Mapping[str, str] | None = None
) -> list[ContactRow]:
    """All contacts with their conversations, names and addresses opened, newest talk first; at most `limit`.

    `served`: only those of these accounts, on the network that each has: what an account heard before it moved to
    another one is left out.

    Without those who are known from imported chats alone.
    """
    rows = await tx.fetch(
        f"""{_ROW} WHERE v.id IS NOT NULL AND ($2::text[] IS NULL OR v.account_id || ' ' || i.channel = ANY($2))
            ORDER BY last_at DESC NULLS LAST, v.created_at LIMIT $1""",
        limit,
        None if served is None else [f"{account} {network}" for account, network in served.items()],
    )
    return [_opened(vault, row) for row in rows]


async def silent(tx: Connection, vault: Vault) -> list[ContactRow]:
    """Who is known from imported chats alone."""
    rows = await tx.fetch(
        f"""{_ROW} WHERE v.id IS NULL AND NOT EXISTS (SELECT 1 FROM conversations o WHERE o.user_id = c.id)
            ORDER BY i.created_at"""
    )
    return [_opened(vault, row) for row in rows]


async def one(tx: Connection, vault: Vault, conversation_id: UUID) -> ContactRow | None:
    """The contact of a conversation."""
    row = await tx.fetchrow(f"{_ROW} WHERE v.id = $1", conversation_id)
    return _opened(vault, row) if row else None


async def rows_of(tx: Connection, vault: Vault, contact_id: UUID) -> list[ContactRow]:
    """One contact, a row a conversation; none for a stranger."""
    rows = await tx.fetch(
        f"{_ROW} WHERE c.id = $1 ORDER BY last_at DESC NULLS LAST, v.created_at", contact_id
    )
    return [_opened(vault, row) for row in rows if row["conversation_id"]] or [
        _opened(vault, r) for r in rows
    ]


def _opened(vault: Vault, row: asyncpg.Record) -> ContactRow:
    key = vault.contact_key(row["id"], row["key"])
    return ContactRow(
        id=row["id"],
        conversation_id=row["conversation_id"] or row["id"],
        account_id=row["account_id"] or "",
        name=unseal(key, row["name"], f"contacts:{row['id']}:name") if row["name"] else None,
        address=unseal(key, row["address"], first(row["identity_id"])),
        relationship=row["relationship"],
        persona_id=row["persona_id"],
        enabled=bool(row["enabled"]),
        last_at=row["last_at"],
        last_inbound_at=row["last_inbound_at"],
        imported=row["conversation_id"] is None,
        also=unseal(key, row["second_address"], second(row["identity_id"]))
        if row["second_address"]
        else None,
    )


async def set_enabled(tx: Connection, contact_id: UUID, enabled: bool, account_id: str | None = None) -> None:
    """Whether we may answer this contact, on one account or on all of them."""
    await tx.execute(
        """UPDATE conversations SET enabled = $2 WHERE id IN (
             SELECT id FROM conversations WHERE user_id = $1 AND ($3::text IS NULL OR account_id = $3)
             ORDER BY id FOR UPDATE)""",
        contact_id,
        enabled,
        account_id,
    )


async def set_relationship(
    tx: Connection, contact_id: UUID, relationship: str, persona_id: str | None
) -> None:
    """How the owner knows the contact; a persona set here overrides the one chosen by relationship."""
    await tx.execute(
        "UPDATE contacts SET relationship = $2, persona_id = $3 WHERE id = $1",
        contact_id,
        relationship,
        persona_id,
    )


async def conversation_with(tx: Connection, account_id: str, network: str, key: str) -> UUID | None:
    """The conversation of an account with the address that this keyed digest stands for."""
    found: UUID | None = await tx.fetchval(
        """SELECT v.id FROM conversations v JOIN identities i ON i.id = v.identity_id
           WHERE v.account_id = $1 AND i.channel = $2 AND $3 IN (i.channel_user_key, i.second_key)""",
        account_id,
        network,
        key,
    )
    return found
