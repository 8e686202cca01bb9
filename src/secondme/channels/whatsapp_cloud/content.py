"""What a message says, by its type. Media stay in the raw payload by their ids; captions are its text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from secondme.channels.whatsapp_cloud.values import identifier, named, text
from secondme.domain.errors import Invalid
from secondme.domain.message import Kind


@dataclass(frozen=True, slots=True)
class Content:
    kind: Kind
    text: str = ""
    target: str | None = None  # what an edit, deletion or reaction is about
    quotes: str | None = None


def read(item: dict[str, Any]) -> Content:
    """One message or echo. A type that is not known is kept as such. Raises Invalid for what lacks its content."""
    kind = text(item.get("type"))
    found = _READ.get(kind, _unknown)(item.get(kind))
    quotes = text(named(item.get("context"), "id")) or None
    return Content(found.kind, found.text, found.target, quotes) if quotes else found


def _text(value: Any) -> Content:
    body = named(value, "body")
    if not isinstance(body, str):
        raise Invalid("A text has no body.")
    return Content(Kind.TEXT, text(body))


def _media(kind: Kind) -> Callable[[Any], Content]:
    def media(value: Any) -> Content:
        said = text(named(value, "caption"))
        # A document's own name, which a phone may put there, is nobody's words.
        return Content(kind, "" if said == text(named(value, "filename")) else said)

    return media


def _location(value: Any) -> Content:
    words = (text(named(value, "name")), text(named(value, "address")))
    return Content(Kind.LOCATION, ", ".join(word for word in words if word))


def _interactive(value: Any) -> Content:
    """A button or a row of a list that we offered; its title is what the person said by it.

    The body of a form that was filled in (nfm_reply) is always Meta's word "Sent" and nobody's, so it is not answered.
    """
    for reply in ("button_reply", "list_reply"):
        if said := text(named(named(value, reply), "title")):
            return Content(Kind.TEXT, said)
    return Content(Kind.UNKNOWN)


def _button(value: Any) -> Content:
    said = text(named(value, "text"))
    return Content(Kind.TEXT if said else Kind.UNKNOWN, said)


def _order(value: Any) -> Content:
    return Content(Kind.UNKNOWN, text(named(value, "text")))


def _reaction(value: Any) -> Content:
    """An empty emoji takes a reaction back."""
    return Content(Kind.REACTION, text(named(value, "emoji")), identifier(value, "message_id"))


def _edit(value: Any) -> Content:
    """The message as it is now, without its own id: {"original_message_id", "message": {"type", …}}."""
    message = named(value, "message")
    if not isinstance(message, dict) or message.get("type") == "edit":
        raise Invalid("An edit has no message.")
    return Content(Kind.EDIT, read(message).text, identifier(value, "original_message_id"))


def _revoke(value: Any) -> Content:
    return Content(Kind.DELETION, "", identifier(value, "original_message_id"))


def _system(value: Any) -> Content:
    """A new number or a new user id. Kept, so that the owner can see it; acted upon by nobody."""
    return Content(Kind.SYSTEM, text(named(value, "body")))


def _welcome(value: Any) -> Content:
    """Somebody opened the chat for the first time and has said nothing yet."""
    return Content(Kind.SYSTEM)


def _unknown(value: Any) -> Content:
    return Content(Kind.UNKNOWN)


_READ: dict[str, Callable[[Any], Content]] = {
    "text": _text,
    "image": _media(Kind.IMAGE),
    "audio": _media(Kind.AUDIO),
    "voice": _media(Kind.AUDIO),
    "video": _media(Kind.VIDEO),
    "document": _media(Kind.DOCUMENT),
    "sticker": _media(Kind.STICKER),
    "location": _location,
    "contacts": lambda value: Content(Kind.CONTACTS),
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": _welcome,
}
