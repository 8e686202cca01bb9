"""What Meta posts: builds every kind of webhook from an item, a flat dictionary, and signs it.

An item has `kind` and, as far as it needs them:

    id        wamid of the message           at        Unix seconds, also with a fraction (default: now)
    from      the person's number, digits, or null when only a business-scoped id is known
    user_id   the person's business-scoped id, or null    name, username    of their profile
    contacts  false leaves the `contacts` list out        reply_to  wamid that is quoted
    forwarded true                                        number    phone_number_id of the account

kinds: text (`text`), image, video, sticker, document, audio (`caption`, `filename`, `voice`, `media`), location,
contacts, reaction (`of`, `emoji`), button (`text`), list_reply, button_reply (`text`), order, system, unsupported,
edit (`of`, `text`), revoke (`of`); echo (`what`: one of the former, default text; `from` is whom the owner wrote
to); status (`of`, `status`, `callback`, `code`); poison (`message`: anything at all); raw (`field`, `value`).
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.stubs.meta_graph import ACCOUNT_ID, APP_SECRET, DISPLAY_NUMBER, ERRORS, PHONE_NUMBER_ID

type Item = Mapping[str, Any]
type Change = dict[str, Any]

_CHOICES = ("button", "button_reply", "list_reply")  # always in reply to something
_MEDIA = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "sticker": "image/webp",
    "document": "application/pdf",
    "audio": "audio/ogg; codecs=opus",
}


def wamid() -> str:
    """A message id of Meta's form; no two are the same."""
    return f"wamid.{base64.b64encode(uuid4().bytes + b'meta-stub').decode()}"


def _media(item: Item) -> Change:
    kind = item["kind"]
    made: Change = {
        "id": item.get("media", "1479537139650973"),
        "mime_type": _MEDIA[kind],
        "sha256": "aGFzaA==",
    }
    for name in ("caption", "filename"):
        if name in item:
            made[name] = item[name]
    return made | ({"voice": bool(item.get("voice"))} if kind == "audio" else {}) | (
        {"animated": False} if kind == "sticker" else {}
    )  # fmt: skip


def _location(item: Item) -> Change:
    return {"latitude": 44.8125, "longitude": 20.4612, "name": "Home", "address": "Long street 1"}


def _contacts(item: Item) -> list[Change]:
    return [
        {"name": {"formatted_name": "Ana Kovac", "first_name": "Ana"}, "phones": [{"phone": "+15550199"}]}
    ]


def _order(item: Item) -> Change:
    product = {"product_retailer_id": "sku-1", "quantity": 2, "item_price": 4.5, "currency": "EUR"}
    return {"catalog_id": "194836987003835", "text": item.get("text", ""), "product_items": [product]}


def _edit(item: Item) -> Change:
    message = {"context": {"id": item["of"]}, "type": "text", "text": {"body": item["text"]}}
    return {"original_message_id": item["of"], "message": message}


_CONTENT: dict[str, Callable[[Item], Any]] = {
    "text": lambda item: {"body": item["text"]},
    **dict.fromkeys(_MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "reaction": lambda item: {"message_id": item["of"], "emoji": item.get("emoji", "\U0001f44d")},
    "button": lambda item: {"payload": "yes", "text": item.get("text", "Yes")},
    "order": _order,
    "edit": _edit,
    "revoke": lambda item: {"original_message_id": item["of"]},
    "system": lambda item: {
        "body": "Ana changed from 16505551234 to 16505551235",
        "wa_id": "16505551235",
        "type": "user_changed_number",
    },
    "unsupported": lambda item: {"type": "unknown"},
}


def _content(kind: str, item: Item) -> Change:
    """`type` and what belongs to it."""
    if kind in ("list_reply", "button_reply"):
        reply = {"id": "choice-1", "title": item.get("text", "Yes")}
        return {"type": "interactive", "interactive": {"type": kind, kind: reply}}
    made: Change = {"type": kind, kind: _CONTENT[kind](dict(item) | {"kind": kind})}
    if kind == "unsupported":
        made["errors"] = [_error(131051, "Message type unknown", "Message type is currently not supported.")]
    return made


def _error(code: int, title: str, details: str) -> Change:
    return {"code": code, "title": title, "message": title, "error_data": {"details": details}}


def _message(item: Item) -> Change:
    made: Change = {"from": item["from"]} if item.get("from") else {}
    if item.get("user_id"):
        made["from_user_id"] = item["user_id"]
    made |= {"id": item["id"], "timestamp": _timestamp(item)} | _content(item["kind"], item)
    quoted = item.get("reply_to") or (wamid() if item["kind"] in _CHOICES else None)
    if quoted:
        made["context"] = {"from": DISPLAY_NUMBER, "id": quoted}
    if item.get("forwarded"):
        made["context"] = made.get("context", {}) | {"forwarded": True}
    return made


def _echo(item: Item) -> Change:
    whom: Change = {"to": item["from"]} if item.get("from") else {}
    if item.get("user_id"):
        whom["to_user_id"] = item["user_id"]
    content = _content(item.get("what", "text"), item)
    return {"from": DISPLAY_NUMBER, **whom, "id": item["id"], "timestamp": _timestamp(item), **content}


def _status(item: Item) -> Change:
    made: Change = {"id": item["of"], "status": item["status"], "timestamp": _timestamp(item)}
    if item.get("from"):
        made["recipient_id"] = item["from"]
    if item.get("user_id"):
        made["recipient_user_id"] = item["user_id"]
    if item.get("callback") is not None:
        made["biz_opaque_callback_data"] = item["callback"]
    if item["status"] == "failed":
        _, title, details = ERRORS[item.get("code") or 131026]
        return made | {"errors": [_error(item.get("code") or 131026, title, details)]}
    kind = "free_customer_service"
    return made | {
        "pricing": {"billable": False, "pricing_model": "PMP", "category": "service", "type": kind}
    }


def _contact(item: Item) -> Change:
    profile = {name: item[name] for name in ("name", "username") if item.get(name)}
    made: Change = {"profile": profile}
    if item.get("from"):
        made["wa_id"] = item["from"]
    return made | ({"user_id": item["user_id"]} if item.get("user_id") else {})


def _timestamp(item: Item) -> str:
    return str(int(item.get("at") or time.time()))


def change(item: Item) -> Change:
    """One item as one change: field and value."""
    if item["kind"] == "raw":
        return {"field": item["field"], "value": item["value"]}
    number = item.get("number", PHONE_NUMBER_ID)
    value: Change = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": DISPLAY_NUMBER, "phone_number_id": number},
    }
    if item["kind"] == "poison":
        return {"field": "messages", "value": value | {"messages": [item["message"]]}}
    if item.get("contacts", True):
        value["contacts"] = [_contact(item)]
    if item["kind"] == "echo":
        return {"field": "smb_message_echoes", "value": value | {"message_echoes": [_echo(item)]}}
    if item["kind"] == "status":
        return {"field": "messages", "value": value | {"statuses": [_status(item)]}}
    return {"field": "messages", "value": value | {"messages": [_message(item)]}}


def envelope(items: Sequence[Item], group: str = "changes") -> Change:
    """The body of one POST. `group`: each item a change, an entry, or (values) all that fits in one value."""
    changes = [change(item) for item in items]
    if group == "entries":
        entries = [{"id": ACCOUNT_ID, "changes": [one]} for one in changes]
    else:
        entries = [{"id": ACCOUNT_ID, "changes": _merged(changes) if group == "values" else changes}]
    return {"object": "whatsapp_business_account", "entry": entries}


def _merged(changes: Sequence[Change]) -> list[Change]:
    """Changes of one field and number in a row, as one whose lists hold the items of all."""
    merged: list[Change] = []
    for one in changes:
        last = merged[-1] if merged else None
        if (
            last is None
            or last["field"] != one["field"]
            or _number(last) is None
            or _number(last) != _number(one)
        ):
            merged.append(one)
            continue
        for name in ("contacts", "messages", "message_echoes", "statuses"):
            if name in one["value"]:
                last["value"].setdefault(name, []).extend(one["value"][name])
    return merged


def _number(one: Change) -> Any:
    metadata = one["value"].get("metadata") if isinstance(one["value"], dict) else None
    return metadata.get("phone_number_id") if isinstance(metadata, dict) else None


def body(payload: Change) -> bytes:
    """The bytes as Meta writes them: ASCII, slashes escaped. A signature over anything but these is wrong."""
    return json.dumps(payload).replace("/", "\\/").encode()


def app_secret_proof(token: str, secret: str) -> str:
    """What `appsecret_proof` has to be: https://developers.facebook.com/docs/graph-api/guides/secure-requests."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def signature(raw: bytes, secret: str = APP_SECRET) -> str:
    """X-Hub-Signature-256 of these bytes."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
