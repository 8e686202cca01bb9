"""What was kept aside of one kind: for the owner, who has to mend its cause."""

from dataclasses import dataclass
from datetime import datetime

from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, unseal


@dataclass(frozen=True, slots=True)
class Strays:
    """How many there are, when the first of them came, and the newest as it came."""

    count: int
    since: datetime
    newest: str


async def strays(tx: Connection, vault: Vault, error: str) -> Strays | None:
    """Items that were kept aside with this error; None where there are none."""
    row = await tx.fetchrow(
        """SELECT id, payload, count(*) OVER () AS count, min(created_at) OVER () AS since
           FROM kept_aside WHERE error = $1 ORDER BY created_at DESC LIMIT 1""",
        error,
    )
    if row is None:
        return None
    newest = unseal(vault.owner_key, row["payload"], f"kept_aside:{row['id']}:payload")
    return Strays(row["count"], row["since"], newest)
