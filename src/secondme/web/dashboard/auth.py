"""Who may look: whoever opened the one-time link that the command line printed, for thirty days."""

import asyncio
import secrets
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from itsdangerous import BadSignature, TimestampSigner

from secondme.domain.errors import StoreUnavailable
from secondme.stores.ledger import Ledger, instance
from secondme.wiring import App

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(days=30)
_TRUSTED = 1.0  # seconds for which another process's sign-out may go unnoticed
_PATIENCE = 0.5  # seconds


async def make_link(app: App) -> str:
    """A link that opens the dashboard once within fifteen minutes. Only a keyed digest of it is stored.

    Raises StoreUnavailable when Redis does not answer.
    """
    token = secrets.token_urlsafe(32)
    await app.signals.put_once(_digest(app, token), LINK_LIVES)
    return f"http://127.0.0.1:{app.settings.dashboard_port}/start?token={token}"


async def take_link(app: App, token: str) -> bool:
    """Whether the token was good; now it no longer is. Raises StoreUnavailable."""
    return bool(token) and await app.signals.take_once(_digest(app, token))


def _digest(app: App, token: str) -> str:
    return app.ledger.vault.digest("link", token)


class Sessions:
    """Signed cookies with the ledger's random id, so that one session's end can be everyone's, in every process.

    The key is the ledger's too: a session outlives a restart and dies with the instance.
    """

    def __init__(self, ledger: Ledger, port: int) -> None:
        self._ledger = ledger
        self._signer = TimestampSigner(ledger.vault.signing_key("dashboard"), salt="secondme.session")
        # Browsers keep cookies by host and ignore the port: two instances on one machine need two names.
        self.cookie = f"secondme-{port}"
        self._id: str | None = None
        self._looked = -_TRUSTED

    async def new(self) -> str:
        """The value of a fresh cookie. Raises StoreUnavailable."""
        async with self._ledger.transaction() as tx:
            self._id = await instance.sessions(tx)
        return self._signer.sign(self._id).decode()

    async def good(self, value: str | None) -> bool:
        """Whether a cookie was signed here within the last thirty days and not ended since."""
        if not value:
            return False
        try:
            carried = self._signer.unsign(value, max_age=int(SESSION_LIVES.total_seconds())).decode()
        except BadSignature:
            return False
        return carried == (await self._current() or carried)

    async def end(self) -> None:
        """Sign out every browser. Raises StoreUnavailable: then nobody is signed out."""
        async with self._ledger.transaction() as tx:
            self._id = await instance.end_sessions(tx)

    async def _current(self) -> str | None:
        """The id that holds. While the ledger is away the last one known: the stop must stay in reach."""
        if monotonic() - self._looked >= _TRUSTED:
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_PATIENCE), self._ledger.transaction() as tx:
                    self._id = await instance.sessions(tx)
            self._looked = monotonic()
        return self._id
