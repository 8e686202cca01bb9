"""Media that Meta has already, sent by their id.

Shapes: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/image-messages and the pages
beside it.
"""

import re

from secondme.domain.delivery import DeliveryKind
from secondme.domain.errors import Invalid
from secondme.domain.message import Kind
from secondme.domain.order import Order

KINDS = ("image", "audio", "video", "document", "sticker")
_CAPTIONED = ("image", "video", "document")
_LONGEST_CAPTION = 1024  # characters
_LONGEST_NAME = 240


def order(medium: str, caption: str | None = None, filename: str | None = None) -> Order:
    """An order of `KIND:MEDIA_ID`. Raises Invalid with what Meta would refuse."""
    kind, media_id = media(medium, KINDS)
    content = {"id": media_id}
    if caption is not None:
        content["caption"] = _caption(kind, caption)
    if filename is not None:
        content["filename"] = _filename(kind, filename)
    return Order(
        DeliveryKind.MEDIA,
        {"type": kind, kind: content},
        Kind(kind),
        words=caption or filename or "",
        caption=caption or "",
    )


def media(text: str, kinds: tuple[str, ...]) -> tuple[str, str]:
    """`KIND:MEDIA_ID` in its two parts. Raises Invalid."""
    kind, _, media_id = text.partition(":")
    if kind not in kinds or not re.fullmatch(r"[0-9]{1,40}", media_id, re.ASCII):
        raise Invalid(
            f"A medium is written as KIND:MEDIA_ID with Meta's id of it, such as {kinds[0]}:1013859600285441; a kind"
            f" is one of {', '.join(kinds)}."
        )
    return kind, media_id


def _caption(kind: str, caption: str) -> str:
    if kind not in _CAPTIONED:
        raise Invalid(f"Meta allows a caption with {', '.join(_CAPTIONED)}, not with {kind}.")
    if not caption.strip() or len(caption) > _LONGEST_CAPTION:
        raise Invalid(
            f"A caption has 1 to {_LONGEST_CAPTION} characters; this one has {len(caption.strip())}."
        )
    return caption


def _filename(kind: str, filename: str) -> str:
    if kind != "document":
        raise Invalid(f"Only a document has a filename, not {kind}.")
    if not filename.strip() or len(filename) > _LONGEST_NAME or re.search(r"[\x00-\x1f/\\]", filename):
        raise Invalid(f"A filename has 1 to {_LONGEST_NAME} characters, none of them / or \\.")
    return filename
