"""A mind behind OpenAI's chat completions: OpenAI, Groq, OpenRouter, Ollama, vLLM, any compatible URL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from secondme import __version__, llm
from secondme.domain.errors import MindFailed
from secondme.domain.turn import Draft, Turn
from secondme.llm.prompts import build
from secondme.llm.providers import Model
from secondme.llm.replies import to_parts
from secondme.observe import metrics

TIMEOUT = 30.0  # seconds for the whole answer
MOST_TOKENS = 2048  # of one answer, its reasoning included: what a contact can make us pay for
_MOST_BYTES = 1_000_000  # of one answer
_MOST_FIGURE = 10_000_000  # tokens that one answer may claim to have cost
_AT_ONCE = 1024  # connections
_ADVICE = {
    401: "It refuses the key: correct {key}.",
    402: "Its account has no credit.",
    403: "It refuses the key: correct {key}.",
    404: "It does not know the model, or {url} is wrong.",
    429: "It is asked too often, or its quota is used up.",
}


class WireFailed(MindFailed):
    """A MindFailed with the mind's name and a short cause for metrics: timeout, unreachable, status, …"""

    def __init__(self, mind: str, cause: str, said: str) -> None:
        super().__init__(f"{mind} {said}")
        self.mind = mind
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    tokens: int
    cached_tokens: int


class OpenAIMind:
    """ports.Mind over HTTP. Never tries twice: that is for whoever asks."""

    def __init__(self, model: Model, *, timeout: float = TIMEOUT) -> None:
        """`timeout`: seconds for the whole answer."""
        self.name = model.label
        self._model = model
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def complete(self, turn: Turn) -> Draft:
        """Draft a reply to `turn.messages`.

        Raises MindFailed, with the model and the cause but no word of content, for anything but a whole, usable
        answer.
        """
        answer = self._read(await self._post(self._request(turn)))
        parts = to_parts(answer.text, turn)
        if not parts:
            raise self._failed("empty", "gave an empty answer.")
        return Draft(parts, self.name, answer.tokens, answer.cached_tokens)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _request(self, turn: Turn) -> bytes:
        body = {
            "model": self._model.name,
            "messages": build(turn),
            self._model.provider.limit: MOST_TOKENS,
        }
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")

    async def _post(self, body: bytes) -> bytes:
        """Ask, and return the whole body of a 200."""
        if not llm.wire_open and not self._model.is_local:
            raise self._failed("closed", "was not asked: the network is closed (secondme.llm.wire_open).")
        url = f"{self._model.base_url}/chat/completions"
        try:
            # No redirects: they would carry the key and the conversation to another host.
            async with self._open().post(url, data=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise self._refused(response.status)
                return await self._body(response)
        except TimeoutError:
            raise self._failed("timeout", f"did not answer within {self._timeout:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            advice = f"Is it running, and is {self._model.provider.base_url_variable} right?"
            said = f"cannot be reached at {self._model.host} ({type(error).__name__}). {advice}"
            raise self._failed("unreachable", said) from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        chunks = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            chunks += chunk
            if len(chunks) > _MOST_BYTES:
                raise self._failed("oversized", f"sent more than {_MOST_BYTES} bytes.")
        return bytes(chunks)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Content-Type": "application/json", "User-Agent": f"SecondMe/{__version__}"}
            if self._model.key is not None:
                headers["Authorization"] = f"Bearer {self._model.key}"
            self._session = aiohttp.ClientSession(
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
                connector=aiohttp.TCPConnector(limit=_AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _read(self, body: bytes) -> _Answer:
        """Validate an answer. Raises MindFailed if it is not one, or not whole."""
        try:
            answer = json.loads(body)
            choice = answer["choices"][0]
            message, finish = choice["message"], choice.get("finish_reason")
            text, refusal = message.get("content"), message.get("refusal")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise self._failed("malformed", "gave an answer that is no chat completion.") from None
        usage = self._count(answer.get("usage"))
        if finish == "length":
            raise self._failed("truncated", f"broke off after {MOST_TOKENS} tokens.")
        if finish == "content_filter" or refusal:
            raise self._failed("refused", "refused to answer.")
        if finish in ("tool_calls", "function_call") or not isinstance(text, str | None):
            raise self._failed("malformed", "gave something else than a text.")
        return _Answer(text or "", *usage)

    def _count(self, usage: object) -> tuple[int, int]:
        """All tokens and the cached ones; counted also for answers that cannot be used, for they are paid."""
        if not isinstance(usage, Mapping):
            return 0, 0
        given, made = _figure(usage, "prompt_tokens"), _figure(usage, "completion_tokens")
        details = usage.get("prompt_tokens_details")
        cached = _figure(details, "cached_tokens") if isinstance(details, Mapping) else 0
        metrics.record_usage(self.name, given, made, cached)
        return given + made, cached

    def _refused(self, status: int) -> WireFailed:
        provider = self._model.provider
        advice = _ADVICE.get(status, "Try again later." if status >= 500 else "Check the model's name.")
        said = advice.format(key=provider.key_variable, url=provider.base_url_variable)
        return self._failed("status", f"answered {status}. {said}")

    def _failed(self, cause: str, said: str) -> WireFailed:
        return WireFailed(self.name, cause, said)


def _figure(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return min(max(value, 0), _MOST_FIGURE) if isinstance(value, int) else 0
