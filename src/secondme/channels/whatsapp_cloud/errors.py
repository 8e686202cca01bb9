"""What Meta's error codes mean for a message, one table.

Codes and their meaning: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
An error object answers for the request that it came to. With a status of 4xx, where it names a cause that lies before
the sending (a limit, a token, a closed window), the message was not taken. Where Meta does not know the cause itself
(1, 2, 131000), it may have been, and is uncertain. So it is with every 5xx, for a server that failed may have done so
behind the sending, with one exception: a code that tells of the account itself, whatever the message (`_Down`), is
found before anything is sent, and Meta lists 3, 131045 and 131057 with a status of 500. It lists 131016 with 500, too,
but says no more than that "a service is temporarily unavailable": not which, nor whether it had the message by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from secondme.channels.whatsapp_cloud.values import named, text
from secondme.domain.errors import ChannelDown, NotSent, Rejected, SendUncertain

_DOWN_FOR = timedelta(seconds=60)
_LONGEST_WAIT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Wait:
    """Not taken, because too much or just not now: try again after so many seconds."""

    seconds: int
    rule: str = "outbox.throttled"


@dataclass(frozen=True, slots=True)
class _Down:
    """Nothing can be sent for this number, whatever it is: the owner has to do something, or to wait."""

    remedy: str
    rule: str = "outbox.account_down"


@dataclass(frozen=True, slots=True)
class _No:
    """Never for this message."""

    rule: str = "outbox.rejected"


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Meta does not know what became of it."""


_TOKEN = _Down("Make a new permanent token and set WHATSAPP_PERMANENT_TOKEN.")
_SECRET = _Down(
    "WHATSAPP_APP_SECRET is not the secret of the app that made WHATSAPP_PERMANENT_TOKEN: copy it again, from"
    " App settings → Basic of that app."
)
_PERMISSION = _Down(
    "Give the system user full control of the app and of the WhatsApp account, and its token the permission"
    " whatsapp_business_messaging."
)
_UNREGISTERED = _Down("The number is not registered: register it, see docs/channels/whatsapp_cloud.md.")
_CLOSED, _UNDELIVERABLE, _RESTRICTED, _TEMPLATE = (
    _No("outbox.window_closed"),
    _No("outbox.undeliverable"),
    _No("outbox.restricted"),
    _No("outbox.template"),
)

_CODES: Mapping[int, _Wait | _Down | _No | _Unknown] = {
    0: _TOKEN,  # the app user could not be authenticated
    1: _Unknown(),  # "invalid request or possible server error"
    2: _Unknown(),  # "temporary": Graph's catch-all, also for what it had begun
    3: _PERMISSION,  # capability or permission
    4: _Wait(60),  # too many calls by this app
    10: _PERMISSION,
    33: _Down("WHATSAPP_PHONE_NUMBER_ID names a number that was deleted."),
    100: _No(),  # invalid parameter
    190: _TOKEN,  # expired or revoked
    368: _RESTRICTED,  # blocked for a policy violation
    470: _CLOSED,  # the same as 131047, of the API before
    80007: _Wait(60),  # the account's rate limit
    130429: _Wait(5),  # throughput of the number
    130472: _No(),  # part of Meta's experiment: not sent, and not charged
    130497: _RESTRICTED,  # not to this country
    131000: _Unknown(),  # "failed to send due to an unknown error"
    131005: _PERMISSION,
    131008: _No(),  # a parameter is missing
    131009: _No(),  # a parameter's value
    131016: _Wait(30),  # a service is temporarily unavailable
    131021: _No(),  # recipient and sender are the same
    131026: _UNDELIVERABLE,
    131030: _UNDELIVERABLE,  # a test number, and the recipient is not on its list
    131031: _RESTRICTED,  # the account is locked
    131037: _Down("Meta has not approved the number's display name yet: see WhatsApp Manager."),
    131042: _Down("Meta wants a payment method: see Billing in WhatsApp Manager."),
    131045: _UNREGISTERED,
    131047: _CLOSED,  # more than 24 hours since they last wrote
    131048: _Wait(300),  # spam rate limit
    131049: _No(),  # Meta chose not to deliver
    131050: _No(),  # they do not want marketing
    131051: _No(),  # message type
    131056: _Wait(6),  # too many to the same recipient: one in six seconds
    131057: _Down(
        "Meta keeps the account in maintenance, perhaps to upgrade the number: wait until it is done."
    ),
    132000: _TEMPLATE,  # the number of its parameters
    132001: _TEMPLATE,  # none of that name in that language
    132005: _TEMPLATE,  # too long once it is filled in
    132007: _TEMPLATE,  # against a policy
    132012: _TEMPLATE,  # the form of a parameter
    132015: _TEMPLATE,  # paused for its quality
    132016: _TEMPLATE,  # disabled for good
    132018: _TEMPLATE,  # its parameters do not pass validation
    133010: _UNREGISTERED,
}


def meaning(status: int, body: Mapping[str, Any] | None, retry_after: str | None) -> Exception | None:
    """What an HTTP answer that is no success means; None where it has no error of Meta's to go by.

    Only the code goes into the words: Meta's own may quote a number or a message.
    """
    error = named(body, "error")
    code = named(error, "code")
    if not isinstance(code, int) or isinstance(code, bool):
        return ChannelDown(f"Meta answers {status}. {_TOKEN.remedy}", _DOWN_FOR) if status == 401 else None
    found = _SECRET if _unproven(error, code) else _found(code)
    if found is None and status == 401:
        found = _TOKEN
    if isinstance(found, _Down):
        return ChannelDown(f"Meta's error {code}. {found.remedy}", _DOWN_FOR)
    if status >= 500:
        return SendUncertain(f"Meta failed with {status} ({code}).")
    if isinstance(found, _Wait):
        return NotSent(f"Meta asks to wait ({code}).", _wait(found.seconds, retry_after))
    if isinstance(found, _No):
        return Rejected(f"Meta refused it ({code}).", found.rule)
    if isinstance(found, _Unknown):
        return SendUncertain(f"Meta failed ({code}).")
    if status == 429:
        return NotSent(f"Meta asks to wait ({code}).", _wait(60, retry_after))
    return Rejected(f"Meta refused it ({code}).")


def _unproven(error: Any, code: int) -> bool:
    """Whether Graph refused the `appsecret_proof`: it has no code of its own for that, only words in `message`."""
    return code == 100 and "appsecret_proof" in text(named(error, "message"))


def rule_of(code: int | None) -> str:
    """What a receipt says about a message that Meta took and reported as failed later, perhaps without a code."""
    return "outbox.rejected" if code is None else getattr(_found(code), "rule", "outbox.rejected")


def _found(code: int) -> _Wait | _Down | _No | _Unknown | None:
    """What the table has on a code; 200 to 299 are permissions of all kinds."""
    return _CODES.get(code, _PERMISSION if 200 <= code < 300 else None)


def _wait(seconds: int, retry_after: str | None) -> timedelta:
    """Meta's own word where it gives one (whole seconds), but neither less than the table's nor for ever."""
    asked = int(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0
    return min(timedelta(seconds=max(seconds, min(asked, 86_400))), _LONGEST_WAIT)
