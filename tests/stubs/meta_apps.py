"""What Meta's Graph API knows of apps: whose secret a request must prove, and which a business account tells of it.

The words of both refusals are Graph's own; they have no code but 100, stand in `message`, and come without error_data.
"""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs

from tests.stubs.meta_webhooks import app_secret_proof

APP_ID = "670843887433847"  # of the token
OTHER_APP_ID = "525653871923001"
_NAMES = {APP_ID: "Ana's answers", OTHER_APP_ID: "Ana's newsletter"}

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


def subscribed(query: str, apps: Collection[str]) -> dict[str, Any]:
    """`GET /{waba_id}/subscribed_apps`. Raises ValueError with the words of a refusal."""
    _only(query, "appsecret_proof")
    data = [
        {"id": id_, "link": f"https://www.facebook.com/games/?app_id={id_}", "name": _NAMES[id_]}
        for id_ in apps
    ]
    return {"data": [{"whatsapp_business_api_data": app} for app in data]}


def inspected(query: str, token: str | None) -> dict[str, Any]:
    """`GET /debug_token` about the token itself; None where it may not ask. Raises ValueError with the refusal."""
    asked = _only(query, "appsecret_proof", "input_token")
    if asked.get("input_token") != [token]:
        raise ValueError("The parameter input_token is required.")
    told = {"app_id": APP_ID, "type": "SYSTEM_USER", "application": _NAMES[APP_ID], "expires_at": 0}
    scopes = ["whatsapp_business_management", "whatsapp_business_messaging"]
    return {"data": told | {"is_valid": True, "scopes": scopes, "user_id": "122093521234567890"}}


def _only(query: str, *known: str) -> dict[str, list[str]]:
    asked = parse_qs(query, keep_blank_values=True)
    if strange := set(asked) - set(known):
        raise ValueError(f"Unknown parameter {sorted(strange)[0]}.")
    return asked
