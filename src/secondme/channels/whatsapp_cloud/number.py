"""What one number of Meta's needs to be known: where it is, how to speak for it, whom to believe about it."""

import hashlib
import hmac
from dataclasses import dataclass

# Meta serves a version for about two years: https://developers.facebook.com/docs/graph-api/changelog/versions
GRAPH = "https://graph.facebook.com/v23.0"


@dataclass(frozen=True, slots=True)
class Number:
    """One business number, as SECONDME's settings describe it."""

    account_id: str
    phone_number_id: str
    token: str
    verify_token: str
    app_secret: str
    base_url: str = GRAPH

    def verifies(self, token: str) -> bool:
        """Whether this is the verify token that was given to Meta; compared in constant time."""
        return hmac.compare_digest(token.encode(), self.verify_token.encode())

    def signed(self, body: bytes, signature: str) -> bool:
        """Whether `X-Hub-Signature-256` is the HMAC-SHA256 of the raw body under the app secret, in constant time.

        https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
        """
        own = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"sha256={own}".encode(), signature.encode())
