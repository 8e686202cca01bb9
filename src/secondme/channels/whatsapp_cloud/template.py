"""A template of Meta's with its parameters, checked before anything is planned.

Shapes: https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from secondme.channels.whatsapp_cloud.declarations import Declaration, Slot, filled
from secondme.channels.whatsapp_cloud.media import media
from secondme.domain.delivery import DeliveryKind
from secondme.domain.errors import Invalid
from secondme.domain.message import Kind
from secondme.domain.order import Order

_HEADERS = ("image", "video", "document")
_BY_NAME = re.compile(r"([a-z][a-z0-9_]{0,63})=(.*)", re.DOTALL)
_LONGEST = {"header": 60, "body": 1024, "button": 2000, "code": 15}  # characters


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the owner asks for. Parameters are TEXT or NAME=TEXT; a header may be KIND:MEDIA_ID instead."""

    name: str
    language: str
    params: tuple[str, ...] = ()
    header: str | None = None
    buttons: tuple[str, ...] = ()  # for the buttons that need a value, in their order


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    name: str | None  # None: by its place


def checked_name(wanted: Wanted) -> None:
    """Whether name and language can exist at all. Raises Invalid."""
    if not re.fullmatch(r"[a-z0-9_]{1,512}", wanted.name):
        raise Invalid("A template's name has small letters, digits and _ only.")
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z]{2,3})?", wanted.language):
        raise Invalid("A language is written as Meta writes it, such as en, en_US or pt_BR.")


def order(wanted: Wanted, declared: Sequence[Declaration] | None) -> Order:
    """The order, if its parameters are right. `declared` are the template's languages; None: nobody could be asked.

    Raises Invalid with the first thing that is wrong.
    """
    checked_name(wanted)
    found = None if declared is None else _chosen(wanted, declared)
    body = _values(wanted.params, "body", found.by_name if found else None)
    header = _header(wanted.header, found)
    slots = found.buttons if found else tuple(Slot(n, "url") for n in range(len(wanted.buttons)))
    if found is not None:
        _fits(found, "body", body, found.in_body)
        _header_fits(found, header)
        if len(wanted.buttons) != len(slots):
            raise Invalid(f"{_called(found)} takes {_count(len(slots), 'value')} for its buttons: --button.")
    elif body and isinstance(header, _Value) and (header.name is None) != (body[0].name is None):
        raise Invalid("The header's parameter and the body's are both by place, or both by name.")
    parts = [_part("header", header), _body(body)]
    parts += [_button(slot, value) for slot, value in zip(slots, wanted.buttons, strict=True)]
    template: dict[str, Any] = {"name": wanted.name, "language": {"code": wanted.language}}
    if components := [part for part in parts if part]:
        template["components"] = components
    content = {"type": "template", "template": template}
    return Order(DeliveryKind.TEMPLATE, content, Kind.TEXT, words=_words(wanted, found, body))


def _chosen(wanted: Wanted, declared: Sequence[Declaration]) -> Declaration:
    """The template in the language that is wanted. Raises Invalid where it cannot be used."""
    if not declared:
        raise Invalid(f"The business account has no template called {wanted.name}.")
    languages = sorted(one.language for one in declared)
    found = next((one for one in declared if one.language == wanted.language), None)
    if found is None:
        raise Invalid(f"Template {wanted.name} is not in {wanted.language}; it is in {', '.join(languages)}.")
    if found.status != "APPROVED":
        raise Invalid(f"{_called(found)} is {found.status.lower()}: Meta sends only what it has approved.")
    if found.beyond:
        raise Invalid(f"{_called(found)} has a part that cannot be filled in here: {found.beyond}.")
    return found


def _called(found: Declaration) -> str:
    return f"Template {found.name} in {found.language}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _values(texts: Sequence[str], where: str, by_name: bool | None) -> list[_Value]:
    """The parameters as they were given; where nobody knows whether names are meant, they say so themselves."""
    matches = [_BY_NAME.fullmatch(text) for text in texts]
    if by_name is None:
        by_name = bool(matches) and all(matches)
        if any(matches) and not by_name:
            raise Invalid("Parameters are all by place (TEXT) or all by name (NAME=TEXT), not mixed.")
    if not by_name:
        return [_Value(_usable(text, where), None) for text in texts]
    if not all(matches):
        raise Invalid("This template's parameters have names: write each as NAME=TEXT.")
    return [_Value(_usable(match[2], where), match[1]) for match in matches if match]


def _usable(text: str, where: str) -> str:
    """Raises Invalid for what Meta refuses in a parameter, wherever it stands."""
    if not text.strip():
        raise Invalid("A parameter must not be empty.")
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise Invalid("A parameter must hold no line break, no tab and no other control character.")
    if " " * 5 in text:
        raise Invalid("A parameter must hold no more than four blanks in a row.")
    if len(text) > _LONGEST[where]:
        raise Invalid(
            f"A parameter of the {where} has at most {_LONGEST[where]} characters; this has {len(text)}."
        )
    return text


def _header(text: str | None, found: Declaration | None) -> _Value | tuple[str, str] | None:
    """A text, or kind and id of a medium."""
    if text is None:
        return None
    said = text.partition(":")[0]
    if found.header in _HEADERS if found else said in _HEADERS:
        return media(text, _HEADERS)
    return _values([text], "header", found.by_name if found else None)[0]


def _fits(found: Declaration, where: str, values: Sequence[_Value], slots: tuple[str, ...]) -> None:
    """Whether the values are those that the template's placeholders ask for. Raises Invalid."""
    asked = ", ".join("{{" + slot + "}}" for slot in slots)
    if found.by_name:
        names = [value.name for value in values]
        if sorted(filter(None, names)) != sorted(slots):
            raise Invalid(f"{_called(found)} takes in its {where}, each once: {asked or 'nothing'}.")
    elif len(values) != len(slots):
        raise Invalid(
            f"{_called(found)} takes {_count(len(slots), 'parameter')} in its {where}"
            f"{f' ({asked})' if asked else ''}, and {len(values)} {'was' if len(values) == 1 else 'were'} given."
        )


def _header_fits(found: Declaration, header: _Value | tuple[str, str] | None) -> None:
    if isinstance(header, tuple) or found.header in _HEADERS:
        if not isinstance(header, tuple) or header[0] != found.header:
            raise Invalid(
                f"{_called(found)} has the header {found.header}: --header {found.header}:MEDIA_ID."
            )
        return
    _fits(found, "header", [header] if header else [], found.in_header)


def _part(kind: str, value: _Value | tuple[str, str] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        medium, media_id = value
        return {"type": kind, "parameters": [{"type": medium, medium: {"id": media_id}}]}
    return {"type": kind, "parameters": [_text(value)]}


def _body(values: Sequence[_Value]) -> dict[str, Any] | None:
    return {"type": "body", "parameters": [_text(value) for value in values]} if values else None


def _text(value: _Value) -> dict[str, str]:
    by_name = {"parameter_name": value.name} if value.name else {}
    return {"type": "text", **by_name, "text": value.text}


def _button(slot: Slot, text: str) -> dict[str, Any]:
    code = slot.sub_type == "copy_code"
    _usable(text, "code" if code else "button")
    parameter = {"type": "coupon_code", "coupon_code": text} if code else {"type": "text", "text": text}
    return {"type": "button", "sub_type": slot.sub_type, "index": slot.index, "parameters": [parameter]}


def _words(wanted: Wanted, found: Declaration | None, body: Sequence[_Value]) -> str:
    """As the other side will read it, where the template's text is known; else its name and what fills it in."""
    if found is None or not found.body:
        given = ", ".join(value.text for value in body)
        return f"[{wanted.name}] {given}".rstrip()
    values = {value.name or slot: value.text for value, slot in zip(body, found.in_body, strict=True)}
    return filled(found.body, values)
