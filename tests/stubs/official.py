"""Bodies held whole to the types of the official SDKs: every key, down to the last, is one that they know."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError


class Official:
    """One of an SDK's typed dictionaries of parameters."""

    def __init__(self, kind: Any) -> None:
        # Within a list, for only so does what is configured reach the typed dictionaries inside.
        self._adapter = TypeAdapter(list[kind], config=ConfigDict(extra="forbid", strict=True))

    def complaint(self, body: Any) -> str | None:
        """What its types do not allow about a body; None where they know all of it."""
        try:
            _read(self._adapter.validate_python([body]))
        except (ValidationError, TypeError) as error:
            return str(error)
        return None


def _read(value: Any) -> None:
    """Read all of it: what the SDKs call iterable is checked only then. Raises ValidationError or TypeError."""
    if isinstance(value, BaseModel):  # those of answers, which some requests may hold as well, allow any key
        raise TypeError(f"This is known as an answer alone: {type(value).__name__}.")
    if isinstance(value, Mapping):
        for inner in value.values():
            _read(inner)
    elif not isinstance(value, str | int | float | None):
        for inner in value:
            _read(inner)
