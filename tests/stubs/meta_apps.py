"""What Meta's Graph API knows of apps: whose secret a request must prove.

The words of both refusals are Graph's own; they have no code but 100, stand in `message`, and come without error_data.
"""

from typing import Any
from urllib.parse import parse_qs

from tests.stubs.meta_webhooks import app_secret_proof

MISSING = "API calls from the server require an appsecret_proof argument"
WRONG = "Invalid appsecret_proof provided in the API argument"


def unproven(query: str, token: str, secret: str, *, required: bool) -> dict[str, Any] | None:
    """Graph's error object where the proof does not fit, or is missing though the app requires it; else None."""
    proofs = parse_qs(query, keep_blank_values=True).get("appsecret_proof", [])
    if not proofs and not required:
        return None
    if proofs == [app_secret_proof(token, secret)]:
        return None
    error = {"message": WRONG if proofs else MISSING, "type": "GraphMethodException", "code": 100}
    return {"error": error | {"fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW"}}
