"""Who is on the other side of a message: a number, a business-scoped user id, or both; and when it was.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

from datetime import UTC, datetime
from typing import Any

from secondme.channels.whatsapp_cloud.values import named, text
from secondme.domain.address import is_phone, is_user_id, normalise
from secondme.domain.errors import Invalid

_MILLISECONDS = 100_000_000_000  # a figure above that is no count of seconds
_FIGURES = (str, int, float)  # a union would be put together anew for each message


class Contacts:
    """The `contacts` beside the messages. `only`: there is one message, so that a single contact is its sender's."""

    def __init__(self, contacts: list[Any], *, only: bool) -> None:
        self._by_key: dict[str, dict[str, Any]] = {}
        self._single: dict[str, Any] = {}
        for contact in contacts:
            if isinstance(contact, dict):
                for key in ("wa_id", "user_id"):
                    if found := text(contact.get(key)):
                        self._by_key.setdefault(found, contact)
        if only and len(contacts) == 1 and isinstance(contacts[0], dict):
            self._single = contacts[0]

    def of(self, number: str, user_id: str) -> dict[str, Any]:
        """The contact of somebody known by these; an empty one where there is none."""
        found = self._by_key.get(user_id) or self._by_key.get(number)
        return found if found is not None else {} if number or user_id else self._single


def other_side(
    item: dict[str, Any], contacts: Contacts, *, from_me: bool
) -> tuple[str, str | None, str | None]:
    """(address, the user id beside a number, name) of the contact. Raises Invalid where nobody is named."""
    which = "to" if from_me else "from"
    number, user_id = text(item.get(which)), text(item.get(f"{which}_user_id"))
    contact = contacts.of(number, user_id)
    number = number or text(contact.get("wa_id"))
    user_id = user_id or text(contact.get("user_id"))
    system = item.get("system")
    if not number and not user_id and isinstance(system, dict):
        number, user_id = text(system.get("wa_id")), text(system.get("user_id"))
    profile = contact.get("profile")
    name = (text(named(profile, "name")) or text(named(profile, "username")) or None) if profile else None
    if not number and not user_id:
        raise Invalid("Nobody is named as its other side.")
    if not number:
        return normalise(user_id), None, name
    address = normalise(number)
    also = user_id if is_phone(address) and is_user_id(user_id) else None
    return address, also, name


def moment(value: Any, now: datetime) -> datetime:
    """A time in seconds as Meta gives it, a text or a figure; `now` where it is neither."""
    if isinstance(value, bool) or not isinstance(value, _FIGURES):
        return now
    try:
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return now
