"""What Meta has on a template: asked of the business account, read as far as it concerns what must be filled in.

https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-management
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from secondme.channels.whatsapp_cloud.asking import ask
from secondme.channels.whatsapp_cloud.number import Number
from secondme.channels.whatsapp_cloud.values import listed, named, text

_UNKNOWN = "The template cannot be checked."
_PAGES = 20  # of 100; an account has at most 6,000 templates, and a name filter narrows them
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_PLAIN_BUTTONS = frozenset(
    {"QUICK_REPLY", "PHONE_NUMBER", "VOICE_CALL", "FLOW", "SPM", "CALL_PERMISSION_REQUEST"}
)
_KNOWN = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS"})
_FIELDS = "name,language,status,parameter_format,components"


@dataclass(frozen=True, slots=True)
class Slot:
    """A button that needs a value: its place among the buttons, and url or copy_code."""

    index: int
    sub_type: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """One template in one language. Placeholders are names, or numbers as text, in the order of the template."""

    name: str
    language: str
    status: str
    by_name: bool
    header: str  # text, image, video, document, or nothing
    in_header: tuple[str, ...]
    body: str  # its text, with placeholders
    in_body: tuple[str, ...]
    buttons: tuple[Slot, ...]
    beyond: str = ""  # a part that cannot be filled in here


async def fetch(number: Number, name: str) -> list[Declaration]:
    """The template of that name in all its languages. Raises ConfigError with what to do."""
    query = {"name": name, "fields": _FIELDS, "limit": "100"}
    found: list[Declaration] = []
    for _ in range(_PAGES):
        page = await ask(number, f"{number.business_account_id}/message_templates", query, _UNKNOWN)
        # Meta's filter also finds names that merely contain this one.
        found += [_read(item) for item in listed(page, "data") if named(item, "name") == name]
        after = text(named(named(named(page, "paging"), "cursors"), "after"))
        if not after or not named(named(page, "paging"), "next"):
            break
        query["after"] = after
    return found


def _read(item: Any) -> Declaration:
    parts = {text(named(part, "type")).upper(): part for part in listed(item, "components")}
    header, body = parts.get("HEADER"), text(named(parts.get("BODY"), "text"))
    kind = text(named(header, "format")).lower()
    buttons, strange = _buttons(listed(parts.get("BUTTONS"), "buttons"))
    unknown = sorted(set(parts) - _KNOWN) + strange
    if kind not in ("", "text", "image", "video", "document"):
        unknown.append(f"HEADER {kind.upper()}")
    return Declaration(
        text(named(item, "name")),
        text(named(item, "language")),
        text(named(item, "status")).upper(),
        text(named(item, "parameter_format")).upper() == "NAMED",
        kind,
        tuple(_placeholders(text(named(header, "text")))) if kind == "text" else (),
        body,
        tuple(_placeholders(body)),
        tuple(buttons),
        unknown[0] if unknown else "",
    )


def _placeholders(words: str) -> Iterator[str]:
    """Each placeholder once, in order of appearance; numbers in their own order."""
    found = dict.fromkeys(_PLACEHOLDER.findall(words))
    yield from sorted(found, key=int) if all(name.isdigit() for name in found) else found


def _buttons(buttons: list[Any]) -> tuple[list[Slot], list[str]]:
    """Those that need a value, and the types of those that cannot be given theirs here."""
    slots, strange = [], []
    for index, button in enumerate(buttons):
        kind = text(named(button, "type")).upper()
        if kind == "URL":
            if _PLACEHOLDER.search(text(named(button, "url"))):
                slots.append(Slot(index, "url"))
        elif kind in ("COPY_CODE", "OTP"):
            slots.append(Slot(index, "copy_code" if kind == "COPY_CODE" else "url"))
        elif kind not in _PLAIN_BUTTONS:
            strange.append(f"button {kind}")
    return slots, strange


def filled(words: str, values: dict[str, str]) -> str:
    """The text with its placeholders filled in, as the other side will read it."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), words)
