"""What Courier posts to us, as Inbound. Unknown fields are passed over; a missing one is named."""

from datetime import UTC, datetime
from typing import Any

from secondme.domain.address import normalise
from secondme.domain.errors import Invalid
from secondme.domain.message import Inbound, Kind


def parse_courier(body: Any, account_id: str) -> Inbound:
    """One message. Raises Invalid with what to change."""
    try:
        sender, words, receipt = str(body["from"]), body["words"], str(body["receipt"])
        sent_at = datetime.fromtimestamp(float(body["at"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise Invalid("Courier posts from, words, receipt and at (Unix time in seconds).") from error
    return Inbound(
        account_id=account_id,
        address=normalise(sender),
        name=body.get("signedBy") if isinstance(body.get("signedBy"), str) else None,
        provider_id=receipt,
        kind=Kind.TEXT if isinstance(words, str) else Kind.UNKNOWN,
        text=words if isinstance(words, str) else "",
        sent_at=sent_at,
        from_me=body.get("ours") is True,
        raw=body,
    )
