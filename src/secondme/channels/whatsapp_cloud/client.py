"""How words reach WhatsApp: one `POST /{phone_number_id}/messages` of Meta's Graph API each."""

import asyncio
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from secondme.channels.whatsapp_cloud.errors import meaning
from secondme.channels.whatsapp_cloud.number import Number
from secondme.channels.whatsapp_cloud.values import listed, named
from secondme.channels.wire import Wire
from secondme.domain.address import is_phone
from secondme.domain.delivery import DeliveryKind, Outgoing, Sent
from secondme.domain.errors import ChannelDown, ConfigError, Rejected, SecondMeError, Unusable
from secondme.observe.gate import Gate

_CLOCK_MAY_BE_OFF = 60.0  # seconds
_ABOUT = "?fields=verified_name,quality_rating,throughput"
_LOOK = 5.0  # seconds that Meta may take to tell of a number


class WhatsAppCloudChannel:
    """ports.Channel for one number on Meta's Cloud API."""

    answer_timeout = 20.0

    def __init__(self, number: Number) -> None:
        self.gate = Gate(f"whatsapp_cloud {number.account_id}")
        self._wire = Wire(number.url, number.headers, number.query, meaning, self.gate)

    async def reach(self, count: int) -> None:
        """Open connections for so many sends; see ports.Channel."""
        await self._wire.reach(count)

    async def send(self, outgoing: Outgoing, write_before: float) -> Sent:
        """Send once; see ports.Channel for what it raises, errors.py for which of Meta's codes means what."""
        body = _message(outgoing) if outgoing.kind.speaks else _presence(outgoing)
        answer = await self._wire.post("/messages", body, write_before, self.answer_timeout)
        provider_id = named(next(iter(listed(answer, "messages")), None), "id")
        return Sent(provider_id if isinstance(provider_id, str) else None)

    async def ping(self) -> None:
        """Whether the token may use the number and the app secret is its app's. Raises Unusable with what to do."""
        await self._asked()

    async def look(self) -> str:
        """What Meta says about the number, for the owner's eyes. Raises SecondMeError with what to do."""
        begun = time.time()
        body, date = await self._asked()
        _check_clock(date, (begun + time.time()) / 2)
        quality = named(body, "quality_rating")
        level = named(named(body, "throughput"), "level")
        return f"the token may use the number; quality {_word(quality)}, throughput {_word(level)}"

    async def close(self) -> None:
        await self._wire.close()

    async def _asked(self) -> tuple[Any, str | None]:
        """The number's node and Meta's time of it. Raises Unusable."""
        try:
            async with self._wire.get(_ABOUT, _LOOK) as answer:
                body = await _json(answer)
                status, date = answer.status, answer.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unusable(
                f"Meta's API does not answer ({type(error).__name__}): is this machine online, and"
                " WHATSAPP_API_BASE_URL right?",
                f"does not answer ({type(error).__name__})",
            ) from error
        if status != 200:
            raise _refused(status, body)
        return body, date


def _message(outgoing: Outgoing) -> dict[str, Any]:
    """A message to a number (`to`) or to a user id (`recipient`). Its callback comes back in every status."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to" if is_phone(outgoing.address) else "recipient": outgoing.address.removeprefix("+"),
        **_content(outgoing),
        "biz_opaque_callback_data": str(outgoing.delivery_id),
    }
    if outgoing.quotes:
        body["context"] = {"message_id": outgoing.quotes}
    return body


def _content(outgoing: Outgoing) -> dict[str, Any]:
    """The type and what belongs to it; that of an order was made by template.py or media.py."""
    if outgoing.kind is DeliveryKind.TEXT:
        return {"type": "text", "text": {"body": outgoing.text, "preview_url": False}}
    ordered = json.loads(outgoing.text)
    return {"type": ordered["type"], ordered["type"]: ordered[ordered["type"]]}


def _presence(outgoing: Outgoing) -> dict[str, Any]:
    """Ticks and typing both concern a message that arrived; typing is at most 25 s and marks it read as well."""
    if not outgoing.quotes:
        raise Rejected("Meta's ticks and typing need the message that they are about.")
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": outgoing.quotes,
    }
    if outgoing.kind is DeliveryKind.TYPING:
        body["typing_indicator"] = {"type": "text"}
    return body


def _refused(status: int, body: Any) -> Unusable:
    """`refused (190)`: by Meta's code where it gives one, else by the status."""
    error, code = meaning(status, body, None), named(named(body, "error"), "code")
    state = f"refused ({code if isinstance(code, int) else status})"
    if isinstance(error, ChannelDown):  # the code names the cause, and the error what to do
        return Unusable(str(error), state)
    if isinstance(error, SecondMeError):
        return Unusable(f"{error} Check WHATSAPP_PHONE_NUMBER_ID and WHATSAPP_PERMANENT_TOKEN.", state)
    return Unusable(f"Meta's API answers {status}: check WHATSAPP_API_BASE_URL.", state)


def _check_clock(date: str | None, middle: float) -> None:
    """Compare with Meta's clock. Raises ConfigError where the two are far apart."""
    try:
        apart = middle - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    if abs(apart) > _CLOCK_MAY_BE_OFF:
        raise ConfigError(
            f"This clock is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} Meta's: set it by NTP"
            " (timedatectl set-ntp true)."
        )


async def _json(answer: aiohttp.ClientResponse) -> Any:
    try:
        return await answer.json(content_type=None)
    except (ValueError, asyncio.IncompleteReadError):
        return None


def _word(value: Any) -> str:
    """One of Meta's own words; anything else is not printed."""
    return value.lower() if isinstance(value, str) and value.isascii() and value.isalpha() else "unknown"
