"""One POST to a provider of models: bounded in time and bytes, tried once, and silent about what came back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from secondme import __version__, llm
from secondme.domain.errors import MindFailed
from secondme.llm.providers import Model
from secondme.llm.refusals import READ, Refusal, read

_MOST_BYTES = 1_000_000  # of one answer
_MOST_SAID = 16_384  # bytes of a refusal that are looked at
_MOST_FIGURE = 10_000_000  # tokens that one answer may claim to have cost
_AT_ONCE = 2048  # connections
_LONGEST_WAIT = 3600.0  # seconds of Retry-After
_BUSY = (429, 503, 529)
_ADVICE = {
    400: "It refuses the request: check the model's name and its options.",
    401: "It refuses the key: correct {key}.",
    402: "Its account has no credit.",
    403: "It refuses the key: correct {key}.",
    404: "It does not know the model, or {url} is wrong.",
    429: "It is asked too often, or its quota is used up.",
    529: "It is overloaded.",
}
_OF_THE_TALK = {
    "refused": "It refuses what was written.",
    "too_long": "What was sent is too long for it.",
}
_FORBIDDEN = "It forbids the request: if it forbids all of them, correct {key}."
_FINAL = frozenset(_OF_THE_TALK)


class WireFailed(MindFailed):
    """A MindFailed with the model's name and a cause: timeout, unreachable, status, malformed, …

    Nothing that the provider said is in it.
    """

    def __init__(
        self, mind: str, cause: str, said: str, *, tokens: int = 0, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{mind} {said}")
        self.mind = mind
        self.cause = cause
        self.tokens = tokens
        self.retry_after = retry_after  # seconds for which the provider asked to be left alone
        self.again_in = retry_after or 0.0
        self.final = cause in _FINAL


class Refused(WireFailed):
    """A status other than 200. Of what its body says flags of ours are kept."""

    def __init__(self, mind: str, refusal: Refusal, said: str, retry_after: float | None) -> None:
        super().__init__(mind, refusal.cause, said, retry_after=retry_after)
        self.no_system = refusal.no_system
        self.no_format = refusal.no_format


class Body(aiohttp.payload.BytesPayload):
    """A body that is forgotten once it is written: thousands of minds may be thinking, and none is asked twice."""

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        await super().write_with_length(writer, content_length)
        self._value = b""


@dataclass(frozen=True, slots=True)
class Cost:
    """Tokens of one answer. `cached` is the part of `given` that the provider had in its cache."""

    given: int = 0
    made: int = 0
    cached: int = 0

    @property
    def tokens(self) -> int:
        return self.given + self.made

    @classmethod
    def of(cls, given: int, made: int, cached: int) -> "Cost":
        return cls(given, made, min(cached, given))


class Wire:
    """One model's way out. Never tries twice: that is for whoever asks."""

    def __init__(self, model: Model, headers: Mapping[str, str]) -> None:
        self.model = model
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"SecondMe/{__version__}",
            **model.provider.headers,
            **headers,
        }
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: Mapping[str, Any], *, most: int = _MOST_BYTES) -> Any:
        """Ask, and return the JSON of a 200 of at most `most` bytes. Raises WireFailed for anything else."""
        if not llm.wire_open and not self.model.is_local:
            raise self.failed("closed", "was not asked: the network is closed (secondme.llm.wire_open).")
        data = Body(_written(body))
        del body  # of what is asked nothing is held while a mind thinks
        try:
            # No redirects: they would carry the key and the conversation to another host.
            async with self._open().post(
                f"{self.model.base_url}{path}", data=data, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise self._refused(response, await _beginning(response))
                found = await self._body(response, most)
        except TimeoutError:
            raise self.failed("timeout", f"did not answer within {self.model.timeout:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            advice = f"Is it running, and is {self.model.provider.base_url_variable} right?"
            said = f"cannot be reached at {self.model.host} ({type(error).__name__}). {advice}"
            raise self.failed("unreachable", said) from None
        try:
            return json.loads(found)
        except (ValueError, RecursionError):
            raise self.failed("malformed", "gave an answer that is no JSON.") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def failed(self, cause: str, said: str, cost: Cost | None = None) -> WireFailed:
        return WireFailed(self.model.label, cause, said, tokens=cost.tokens if cost else 0)

    async def _body(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        chunks = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            chunks += chunk
            if len(chunks) > most:
                raise self.failed("oversized", f"sent more than {most} bytes.")
        return bytes(chunks)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=self.model.timeout),
                connector=aiohttp.TCPConnector(limit=_AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _refused(self, response: aiohttp.ClientResponse, body: str) -> Refused:
        status, refusal = response.status, read(response.status, body)
        said = f"answered {status}. {_advice(self.model, status, refusal)}"
        wait = _retry_after(response.headers) if status in _BUSY else None
        return Refused(self.model.label, refusal, said, wait)


def _advice(model: Model, status: int, refusal: Refusal) -> str:
    """What to do, for the owner."""
    if status == 403 and refusal.cause == "request":
        advice = _FORBIDDEN
    else:
        known = _ADVICE.get(status, "Try again later." if status >= 500 else _ADVICE[400])
        advice = _OF_THE_TALK.get(refusal.cause, known)
    return advice.format(key=model.provider.key_variable, url=model.provider.base_url_variable)


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # half a surrogate pair
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The beginning of a refusal, to learn from; nobody gets to read it."""
    if response.status not in READ:
        return ""
    return (await response.content.read(_MOST_SAID)).decode("utf-8", "replace")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header; its form as a date, which no provider of models uses, is passed over."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def figure(usage: Mapping[str, Any], name: str) -> int:
    """A number of tokens that an answer claims, within reason."""
    value = usage.get(name)
    return min(max(value, 0), _MOST_FIGURE) if isinstance(value, int) else 0
