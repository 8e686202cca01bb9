"""What one number of Meta's needs to be known: where it is, how to speak for it, whom to believe about it."""

import hashlib
import hmac
import re
from dataclasses import dataclass, field

HOST = "https://graph.facebook.com"
# Meta serves a version for about two years: https://developers.facebook.com/docs/graph-api/changelog/versions
VERSION = "v23.0"
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Number:
    """One business number, as SECONDME's settings describe it."""

    account_id: str
    phone_number_id: str
    token: str = field(repr=False)
    verify_token: str = field(repr=False)
    app_secret: str = field(repr=False)
    base_url: str = HOST
    business_account_id: str | None = None  # of the WhatsApp Business Account

    @property
    def url(self) -> str:
        """The number's node in the graph."""
        return f"{self.graph}/{self.phone_number_id}"

    @property
    def graph(self) -> str:
        """The graph's address; where the base URL names no version, ours."""
        base = self.base_url.rstrip("/")
        return base if re.search(r"/v[0-9]+\.[0-9]+$", base) else f"{base}/{VERSION}"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request to the graph."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def query(self) -> dict[str, str]:
        """So does this: the HMAC-SHA256 of the token under the app secret.

        An app whose owner has switched on "Require app secret" is refused without it; any other's is checked too.
        https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof
        """
        proof = hmac.digest(self.app_secret.encode(), self.token.encode(), hashlib.sha256)
        return {"appsecret_proof": proof.hex()}

    def verifies(self, token: str) -> bool:
        """Whether this is the verify token that was given to Meta; compared in constant time."""
        return hmac.compare_digest(token.encode(), self.verify_token.encode())

    @staticmethod
    def may_sign(signature: str) -> bool:
        """Whether it has a signature's form."""
        return _SIGNATURE.fullmatch(signature) is not None

    def signed(self, body: bytes, signature: str) -> bool:
        """Whether `X-Hub-Signature-256` is the HMAC-SHA256 of the raw body under the app secret, in constant time.

        https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
        """
        if not self.may_sign(signature):
            return False  # before a large body is hashed for nobody
        own = hmac.digest(self.app_secret.encode(), body, hashlib.sha256).hex()
        return hmac.compare_digest(f"sha256={own}".encode(), signature.encode())
