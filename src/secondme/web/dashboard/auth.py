"""Who may look: whoever opened the one-time link that the command line printed, for thirty days."""

import secrets
from datetime import timedelta

from itsdangerous import BadSignature, TimestampSigner

from secondme.wiring import App

LINK_LIVES = timedelta(minutes=15)
SESSION_LIVES = timedelta(days=30)


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
    """Signed cookies. The key is the ledger's, so a session outlives a restart and dies with the instance."""

    def __init__(self, key: str, port: int) -> None:
        self._signer = TimestampSigner(key, salt="secondme.session")
        # Browsers keep cookies by host and ignore the port: two instances on one machine need two names.
        self.cookie = f"secondme-{port}"

    def new(self) -> str:
        """The value of a fresh cookie."""
        return self._signer.sign("owner").decode()

    def good(self, value: str | None) -> bool:
        """Whether a cookie was signed here within the last thirty days."""
        if not value:
            return False
        try:
            return self._signer.unsign(value, max_age=int(SESSION_LIVES.total_seconds())) == b"owner"
        except BadSignature:
            return False
