"""Anthropic's messages: https://docs.anthropic.com/en/api/messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from secondme.llm.asking import Answer, Form, cached, folded, parted, with_cached_style
from secondme.llm.prompts import LEFT_OUT, ChatMessage
from secondme.llm.providers import Model
from secondme.llm.wire import Cost, Wire, figure
from secondme.observe import metrics

VERSION = "2023-06-01"  # what a version has, its endpoints keep: https://docs.anthropic.com/en/api/versioning
_BROKE_OFF = ("max_tokens", "model_context_window_exceeded")


class AnthropicWire:
    """asking.Asks over `/v1/messages`. A form is asked for as a tool that has to be used."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._wire = Wire(model, {"x-api-key": model.key or "", "anthropic-version": VERSION})
        self._path = "/messages" if model.base_url.endswith("/v1") else "/v1/messages"

    async def ask(self, messages: Sequence[ChatMessage], form: Form | None = None) -> Answer:
        return self._read(await self._wire.post(self._path, self._body(messages, form)), form)

    async def close(self) -> None:
        await self._wire.close()

    def _body(self, messages: Sequence[ChatMessage], form: Form | None) -> dict[str, Any]:
        system, rest = parted(messages) if self.model.system else ("", folded(messages))
        body: dict[str, Any] = {
            "model": self.model.name,
            "max_tokens": self.model.max_tokens,
            "messages": _marked(rest),
        }
        if system:
            body["system"] = [cached(system)]
        if form is not None:
            described = "Call this once with what you found."
            body["tools"] = [{"name": form.name, "description": described, "input_schema": form.schema}]
            body["tool_choice"] = {"type": "tool", "name": form.name, "disable_parallel_tool_use": True}
        return body

    def _read(self, answer: Any, form: Form | None) -> Answer:
        """Validate an answer. Raises WireFailed if it is not one, or not whole."""
        try:
            stop, blocks = answer["stop_reason"], answer["content"]
            text = "".join(block["text"] for block in blocks if block["type"] == "text")
            calls = [block["input"] for block in blocks if block["type"] == "tool_use"]
        except (LookupError, TypeError):
            raise self._wire.failed("malformed", "gave an answer that is no message.") from None
        cost = self._count(answer.get("usage"))
        if stop in _BROKE_OFF:
            raise self._wire.failed("truncated", f"broke off after {self.model.max_tokens} tokens.", cost)
        if stop == "refusal":
            raise self._wire.failed("refused", "refused to answer.", cost)
        if form is None and (calls or stop == "pause_turn"):
            raise self._wire.failed("malformed", "gave something else than a text.", cost)
        if form is not None and calls:
            return Answer(json.dumps(calls[0], ensure_ascii=False), cost)
        if not text.strip():
            raise self._wire.failed("empty", "gave an empty answer.", cost)
        return Answer(text, cost)

    def _count(self, usage: object) -> Cost:
        """`input_tokens` leaves out what was read from the cache or written to it: all three were sent."""
        if not isinstance(usage, Mapping):
            return Cost()
        cached, kept = (
            figure(usage, "cache_read_input_tokens"),
            figure(usage, "cache_creation_input_tokens"),
        )
        given = figure(usage, "input_tokens") + cached + kept
        cost = Cost.of(given, figure(usage, "output_tokens"), cached)
        metrics.record_usage(self.model.label, cost.given, cost.made, cost.cached)
        return cost


def _marked(lines: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """The conversation, its style and its end before what waits marked: the next Turn reads that much from the cache.

    The end only while its beginning is there: else the next Turn begins elsewhere and reads none of it, and writing
    costs more than sending.
    """
    found = with_cached_style(lines)
    if len(found) > 1 and LEFT_OUT not in lines[0]["content"]:
        found[-2]["content"] = [cached(lines[-2]["content"])]
    return found
