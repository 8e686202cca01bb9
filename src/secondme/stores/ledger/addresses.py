"""One address as a channel gave it, and the places of an identity in which addresses stand."""

from dataclasses import dataclass
from uuid import UUID

from secondme.domain.profile import Account
from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault


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

    @property
    def shown(self) -> str:
        """The key of the provider's id, should it be one that was shown alone."""
        return self.also_key or self.key


async def unique(tx: Connection, vault: Vault, where: Address, identity_id: UUID, key: str) -> str:
    """The key itself, for a column of this identity; one that leads nowhere where another business's person has it.

    They are found by what is noted of them.
    """
    taken = await tx.fetchval(
        """SELECT EXISTS (SELECT 1 FROM identities WHERE channel = $1 AND $2 IN (channel_user_key, second_key)
             AND id <> $3)""",
        where.network,
        key,
        identity_id,
    )
    return vault.digest("address", where.network, f"{identity_id} {key}") if taken else key


def first(identity_id: UUID) -> str:
    return f"identities:{identity_id}:address"


def second(identity_id: UUID) -> str:
    return f"identities:{identity_id}:second_address"


def noted(row: UUID) -> str:
    return f"provider_ids:{row}:address"
