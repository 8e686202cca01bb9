"""Small values of the instance itself: whose voice it speaks with, and which sessions of the dashboard hold."""

import secrets
from base64 import b64decode, b64encode

from secondme.stores.ledger.pool import Connection
from secondme.stores.vault import Vault, seal, unseal

_OWNER = "voice_owner"
_SESSIONS = "dashboard_sessions"


async def name_owner(tx: Connection, vault: Vault, name: str) -> None:
    """Keep whose chat was imported last, sealed with the owner's key."""
    await _put(tx, _OWNER, b64encode(seal(vault.owner_key, name, f"settings:{_OWNER}")).decode())


async def owner(tx: Connection, vault: Vault) -> str | None:
    """Whose voice was learned last, as the chat names them; None where it is not known."""
    kept = await tx.fetchval("SELECT value FROM settings WHERE key = $1", _OWNER)
    return unseal(vault.owner_key, b64decode(kept), f"settings:{_OWNER}") if kept else None


async def forget_owner(tx: Connection) -> None:
    """The learned voice is gone, and with it whose it was."""
    await tx.execute("DELETE FROM settings WHERE key = $1", _OWNER)


async def sessions(tx: Connection) -> str:
    """The random id that every session must carry; made where there is none yet."""
    kept = await tx.fetchval("SELECT value FROM settings WHERE key = $1", _SESSIONS)
    if kept is None:
        await tx.execute(
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", _SESSIONS, _random()
        )
        kept = await tx.fetchval("SELECT value FROM settings WHERE key = $1", _SESSIONS)
    return str(kept)


async def end_sessions(tx: Connection) -> str:
    """Every session ends, in whatever browser. Returns the id that new ones carry."""
    fresh = _random()
    await _put(tx, _SESSIONS, fresh)
    return fresh


async def _put(tx: Connection, key: str, value: str) -> None:
    await tx.execute(
        "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value,
    )


def _random() -> str:
    return secrets.token_urlsafe(16)
