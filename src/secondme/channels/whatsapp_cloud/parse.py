"""What Meta posts, as Inbound and StatusUpdate. Every item becomes one of these, or is kept aside, or is counted.

Shapes: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from secondme.channels.whatsapp_cloud import statuses
from secondme.channels.whatsapp_cloud.content import read
from secondme.channels.whatsapp_cloud.people import Contacts, moment, other_side
from secondme.channels.whatsapp_cloud.values import identifier, listed, named, text
from secondme.domain.delivery import StatusUpdate
from secondme.domain.errors import Invalid
from secondme.domain.message import Inbound

# Where the items of a change stand, and whether the owner wrote them.
_MESSAGES = {"messages": ("messages", False), "smb_message_echoes": ("message_echoes", True)}
# Known and without use: their names may stand in logs and metrics, a name that a stranger made up may not.
_NAMES = """
account_alerts account_review_update account_settings_update account_update automatic_events
business_capability_update business_status_update calls flows group_lifecycle_update group_participants_update
group_settings_update group_status_update history message_template_components_update
message_template_quality_update message_template_status_update messaging_handovers partner_solutions
payment_configuration_update phone_number_name_update phone_number_quality_update security
smb_app_state_sync standby template_category_update tracking_events user_id_update user_preferences
"""
_OTHER = frozenset(_NAMES.split())
UNKNOWN_NUMBER = "unknown_number"
_DEEPEST = 50  # levels; Meta's own have a dozen


@dataclass(frozen=True, slots=True)
class Poison:
    """An item that nobody can read, to be kept aside. `address` is the contact's, where that much can be read."""

    account_id: str
    payload: bytes
    error: str
    address: str | None = None


@dataclass(slots=True)
class Parsed:
    """What one body held. `other` counts what is acknowledged and not kept, by kind."""

    messages: list[Inbound] = field(default_factory=list)
    statuses: list[StatusUpdate] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)


def load(body: bytes) -> Any:
    """The JSON of a body. Raises Invalid for anything else."""
    try:
        return orjson.loads(body)
    except ValueError:
        pass  # it knows neither half a surrogate pair nor NaN nor another coding: none of that is a reason to refuse
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is no JSON ({type(error).__name__}).") from error


def parse(body: Any, accounts: Mapping[str, str], now: datetime) -> Parsed:
    """Read one signed body. `accounts` are the account ids by phone number id; what is unreadable goes to the first,
    and so does what was said to a number that is not among them: a mistyped id must not lose what Meta has once.

    An item without a usable time counts as sent `now`. Never raises.
    """
    parsed = Parsed()
    fallback = next(iter(accounts.values()))
    changes = _changes(body)
    if changes is None:
        _keep(parsed, fallback, body, "shape")
        return parsed
    for change in changes:
        field_name = text(change.get("field"))
        if field_name in _MESSAGES:
            _change(parsed, change, accounts, fallback, now)
        else:
            parsed.other[field_name if field_name in _OTHER else "unknown_field"] += 1
    return parsed


def _changes(body: Any) -> list[dict[str, Any]] | None:
    """The changes of every entry; None where one of them is built otherwise: that is kept as it came."""
    entries = named(body, "entry")
    if not isinstance(entries, list):
        return None
    found: list[Any] = []
    for entry in entries:
        changes = named(entry, "changes")
        if not isinstance(changes, list):
            return None
        found += changes
    for change in found:
        if not isinstance(change, dict):
            return None
    return found


def _change(
    parsed: Parsed, change: dict[str, Any], accounts: Mapping[str, str], fallback: str, now: datetime
) -> None:
    value = change.get("value")
    metadata = value.get("metadata") if isinstance(value, dict) else None
    number = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    if not isinstance(value, dict) or not isinstance(number, str):
        _keep(parsed, fallback, change, "metadata")
        return
    place, from_me = _MESSAGES[str(change["field"])]
    items, words = listed(value, place), listed(value, "statuses")
    contacts = Contacts(listed(value, "contacts"), only=len(items) == 1)
    if number not in accounts:
        parsed.other[UNKNOWN_NUMBER] += max(1, len(items) + len(words))
        for item in items:
            stray = {"metadata": value["metadata"], place: [item]}
            _keep(parsed, fallback, stray, UNKNOWN_NUMBER, _whose(item, contacts, from_me=from_me))
        return
    account = accounts[number]
    for name in (place, "statuses"):
        if name in value and not isinstance(value[name], list):
            _keep(parsed, account, {name: value[name]}, "shape")
    for item in items:
        _message(parsed, account, item, contacts, now, from_me=from_me)
    for word in words:
        _status(parsed, account, word)
    if not items and not words:
        parsed.other["errors" if listed(value, "errors") else "empty"] += 1


def _message(
    parsed: Parsed, account: str, item: Any, contacts: Contacts, now: datetime, *, from_me: bool
) -> None:
    if isinstance(item, dict) and item.get("group_id"):
        parsed.other["group"] += 1  # what is said in a group is never answered in private
        return
    try:
        if not isinstance(item, dict) or _too_deep(item):
            raise Invalid("A message is an object of some levels.")
        address, also, name = other_side(item, contacts, from_me=from_me)
        content = read(item)
        inbound = Inbound(
            account_id=account,
            address=address,
            name=name,
            provider_id=identifier(item, "id"),
            kind=content.kind,
            text=content.text,
            sent_at=moment(item.get("timestamp"), now),
            from_me=from_me,
            quotes=content.quotes,
            target=content.target,
            callback=text(item.get("biz_opaque_callback_data")) or None,
            raw=item,
            also=also,
        )
    except Invalid as error:
        _keep(parsed, account, item, str(error), _whose(item, contacts, from_me=from_me))
        return
    parsed.messages.append(inbound)


def _whose(item: Any, contacts: Contacts, *, from_me: bool) -> str | None:
    """The contact's address in an item that is not read otherwise, so that forgetting them finds it."""
    try:
        return other_side(item, contacts, from_me=from_me)[0] if isinstance(item, dict) else None
    except Invalid:
        return None


def _status(parsed: Parsed, account: str, word: Any) -> None:
    try:
        update = statuses.read(word, account)
    except Invalid as error:
        whose = {"from": named(word, "recipient_id"), "from_user_id": named(word, "recipient_user_id")}
        _keep(parsed, account, word, str(error), _whose(whose, Contacts([], only=False), from_me=False))
        return
    if update is None:
        parsed.other["status"] += 1
    else:
        parsed.statuses.append(update)


def _keep(parsed: Parsed, account: str, item: Any, error: str, address: str | None = None) -> None:
    try:
        payload = json.dumps(item, sort_keys=True).encode()
    except (TypeError, ValueError, RecursionError):
        payload = repr(type(item)).encode()
        error = "depth"
    parsed.poison.append(Poison(account, payload, error, address))


def _too_deep(item: Any, left: int = _DEEPEST) -> bool:
    """Whether it is nested deeper than anything of Meta's: what writes it down later would give up half-way."""
    for inner in item.values() if type(item) is dict else item:
        # JSON makes nothing else that holds something.
        if (type(inner) is dict or type(inner) is list) and (left == 1 or _too_deep(inner, left - 1)):
            return True
    return False
