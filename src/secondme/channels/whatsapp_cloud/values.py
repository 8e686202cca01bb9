"""Reading from JSON that anybody may have written: what is missing or of another type is simply not there."""

from typing import Any

from secondme.domain.errors import Invalid

_LONGEST_ID = 300  # characters; Meta's have about 60


def named(value: Any, name: str) -> Any:
    """A field of an object; None where either is missing."""
    return value.get(name) if isinstance(value, dict) else None


def listed(value: Any, name: str) -> list[Any]:
    """A list field of an object; empty where there is none."""
    found = named(value, name)
    return found if isinstance(found, list) else []


def text(value: Any) -> str:
    """A text that can be stored: neither Postgres nor UTF-8 holds a NUL or half a surrogate pair. Else empty."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() and "\x00" not in value else _clean(value)


def _clean(value: str) -> str:
    return value.replace("\x00", "").encode(errors="replace").decode()


def identifier(value: Any, name: str) -> str:
    """A provider's id. Raises Invalid without one."""
    found = named(value, name)
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_ID or not found.isprintable():
        raise Invalid(f"{name} is no usable id.")
    return found
