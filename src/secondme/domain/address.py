"""Addresses: E.164 numbers where there is one, a provider's own ids where there is none."""

import re

from secondme.domain.errors import Invalid

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_DIGITS = re.compile(r"[0-9][0-9 ().\-]{5,24}", re.ASCII)
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[0-9A-Za-z]{1,128}", re.ASCII)
_MAX_ID = 200


def normalise(text: str) -> str:
    """An address as the ledger keys it: `+` and ASCII digits for a number, otherwise the id unchanged.

    Digits of other scripts never make a number. Raises Invalid for an empty, overlong or control-character id.
    """
    if 7 <= len(text) <= 15 and text.isascii() and text.isdigit() and text[0] != "0":
        return "+" + text  # as most networks give it
    address = text.strip()
    compact = re.sub(r"[ ().\-]", "", address)
    if _E164.fullmatch(compact):
        return compact
    if (
        _DIGITS.fullmatch(address)
        and _E164.fullmatch("+" + compact.lstrip("0"))
        and not compact.startswith("0")
    ):
        return "+" + compact
    if not address or len(address) > _MAX_ID or not address.isprintable():
        raise Invalid(
            "An address is a phone number such as +15550100, or an id of 1 to 200 printable characters."
        )
    return address


def is_phone(address: str) -> bool:
    """Whether the address is a phone number in E.164 with ASCII digits."""
    return _E164.fullmatch(address) is not None


def is_user_id(address: str) -> bool:
    """Whether the address is a business-scoped user id of Meta's, such as `US.13491208655302741918`.

    https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
    """
    return _USER_ID.fullmatch(address) is not None
