"""Meta's later words about messages that were sent: sent, delivered, read, failed."""

from typing import Any

from secondme.channels.whatsapp_cloud.errors import rule_of
from secondme.channels.whatsapp_cloud.values import identifier, listed, named, text
from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import Invalid

# `played` is a voice message that was listened to; whoever did has read it.
_PROGRESS = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}


def read(word: Any, account_id: str) -> StatusUpdate | None:
    """One status; None for a word that says nothing of arrival (`deleted`, `warning`). Raises Invalid."""
    if not isinstance(word, dict) or not isinstance(word.get("status"), str):
        raise Invalid("A status is an object with a status.")
    provider_id = identifier(word, "id")
    progress = _PROGRESS.get(word["status"])
    if progress is None:
        return None
    callback = text(word.get("biz_opaque_callback_data")) or None
    code = named(next(iter(listed(word, "errors")), None), "code") if progress == "failed" else None
    if progress != "failed":
        return StatusUpdate(account_id, provider_id, callback, progress)
    code = code if isinstance(code, int) and not isinstance(code, bool) else None
    return StatusUpdate(
        account_id,
        provider_id,
        callback,
        progress,
        error=f"Meta said later: {code or 'no code'}.",
        rule=rule_of(code),
    )
