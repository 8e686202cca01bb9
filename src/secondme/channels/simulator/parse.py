"""What a simulated phone posts, as Inbound. Unknown fields are passed over; a missing or wrong one is named."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from secondme.domain.address import normalise
from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import Invalid
from secondme.domain.message import Inbound, Kind

_PROGRESS = {"sent", "delivered", "read", "failed"}


def parse_message(body: Any, account_id: str, now: datetime) -> Inbound:
    """One `POST /simulator/messages` body.

    `from` and `text` are required; `name`, `fromMe`, `replyTo` as documented. `messageId` lets a network deliver
    the same message again; `edits`, `deletes` and `reactsTo` name the message that this one is about.
    Raises Invalid with what to change.
    """
    if not isinstance(body, dict):
        raise Invalid(
            'The body must be a JSON object such as {"from": "+15550100", "name": "Ana", "text": "hi"}.'
        )
    address = _text(body, "from", required=True)
    target = _text(body, "edits") or _text(body, "deletes") or _text(body, "reactsTo")
    kind = _kind(body)
    text = "" if kind is Kind.DELETION else _text(body, "text", required=True)
    from_me = body.get("fromMe", False)
    if not isinstance(from_me, bool):
        raise Invalid("fromMe must be true or false.")
    return Inbound(
        account_id=account_id,
        address=normalise(address or ""),
        name=_text(body, "name"),
        provider_id=_text(body, "messageId") or f"sim-{uuid4()}",
        kind=kind,
        text=text or "",
        sent_at=now,
        from_me=from_me,
        quotes=_text(body, "replyTo"),
        target=target,
        callback=_text(body, "callback"),
    )


def parse_status(body: Any, account_id: str) -> StatusUpdate:
    """One `POST /simulator/statuses` body: `messageId` or `callback` (our delivery's id), and `status`."""
    if not isinstance(body, dict) or _text(body, "status") not in _PROGRESS:
        raise Invalid(
            f"A status needs messageId or callback, and status: one of {', '.join(sorted(_PROGRESS))}."
        )
    return StatusUpdate(account_id, _text(body, "messageId"), _text(body, "callback"), body["status"])


def _kind(body: dict[str, Any]) -> Kind:
    for field, kind in (("edits", Kind.EDIT), ("deletes", Kind.DELETION), ("reactsTo", Kind.REACTION)):
        if body.get(field):
            return kind
    try:
        return Kind(body.get("kind", "text"))
    except ValueError:
        return Kind.UNKNOWN


def _text(body: dict[str, Any], field: str, *, required: bool = False) -> str | None:
    value = body.get(field)
    if value is None and not required:
        return None
    if not isinstance(value, str) or (required and not value):
        raise Invalid(f'"{field}" must be a text{" and is required" if required else ""}.')
    # Neither Postgres nor UTF-8 can hold a NUL or half a surrogate pair.
    return value.replace("\x00", "").encode(errors="replace").decode()
