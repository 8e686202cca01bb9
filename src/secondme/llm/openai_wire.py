"""OpenAI's chat completions: OpenAI, Groq, OpenRouter, Ollama, vLLM, any compatible URL."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from secondme.llm.asking import Answer, Form, cached, folded, parted, with_cached_style, with_system
from secondme.llm.prompts import ChatMessage
from secondme.llm.providers import JsonMode, Model
from secondme.llm.wire import Cost, Refused, Wire, WireFailed, figure
from secondme.observe import metrics

_LESS: Mapping[JsonMode, JsonMode] = {"schema": "object", "object": "prompt"}


class OpenAIWire:
    """asking.Asks over `/chat/completions`. It remembers what a model has refused for as long as it is open."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._wire = Wire(model, {"Authorization": f"Bearer {model.key}"} if model.key else {})
        self._system = model.system
        self._json: JsonMode = model.json_mode or "schema"

    async def ask(self, messages: Sequence[ChatMessage], form: Form | None = None) -> Answer:
        system, mode = self._system, self._json
        while True:
            try:
                found = await self._wire.post("/chat/completions", self._body(messages, form, system, mode))
                break
            except Refused as refused:
                if refused.no_system and system:
                    system = False
                elif refused.no_format and form is not None and mode in _LESS:
                    mode = _LESS[mode]
                else:
                    raise
        # Learned only now that it was taken so: a refusal may quote what somebody wrote.
        self._system = self._system and system
        if form is not None:
            self._json = mode
        return self._read(found)

    async def close(self) -> None:
        await self._wire.close()

    def _body(
        self, messages: Sequence[ChatMessage], form: Form | None, system: bool, mode: JsonMode
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model.name}
        if form is not None:
            if mode != "schema":
                messages = with_system(messages, _spelled_out(form))
            if mode != "prompt":
                body["response_format"] = _response_format(form, mode)
        body["messages"] = self._cacheable(messages) if system else folded(messages)
        body[self.model.provider.limit] = self.model.max_tokens
        if self.model.temperature is not None:
            body["temperature"] = self.model.temperature
        return body

    def _cacheable(self, messages: Sequence[ChatMessage]) -> Sequence[Mapping[str, Any]]:
        """OpenRouter hands on Anthropic's marks; everybody else caches the beginning without being told."""
        if self.model.provider.name != "openrouter" or not self.model.name.startswith("anthropic/"):
            return messages
        system, rest = parted(messages)
        return [{"role": "system", "content": [cached(system)]}, *with_cached_style(rest)]

    def _read(self, answer: Any) -> Answer:
        """Validate an answer. Raises WireFailed if it is not one, or not whole."""
        try:
            choice = answer["choices"][0]
            message, finish = choice["message"], choice.get("finish_reason")
            text, refusal = message.get("content"), message.get("refusal")
        except (LookupError, TypeError, AttributeError):
            raise self._wire.failed("malformed", "gave an answer that is no chat completion.") from None
        cost = self._count(answer.get("usage"))
        if finish == "length":
            raise self._wire.failed("truncated", f"broke off after {self.model.max_tokens} tokens.", cost)
        if finish == "content_filter" or refusal:
            raise self._wire.failed("refused", "refused to answer.", cost)
        if finish in ("tool_calls", "function_call", "error") or not isinstance(text, str | None):
            raise self._wire.failed("malformed", "gave something else than a text.", cost)
        if not text or not text.strip():
            raise self._empty(cost)
        return Answer(text, cost)

    def _empty(self, cost: Cost) -> WireFailed:
        return self._wire.failed("empty", "gave an empty answer.", cost)

    def _count(self, usage: object) -> Cost:
        """Counted also for answers that cannot be used, for they are paid."""
        if not isinstance(usage, Mapping):
            return Cost()
        details = usage.get("prompt_tokens_details")
        cached = figure(details, "cached_tokens") if isinstance(details, Mapping) else 0
        cost = Cost.of(figure(usage, "prompt_tokens"), figure(usage, "completion_tokens"), cached)
        metrics.record_usage(self.model.label, cost.given, cost.made, cost.cached)
        return cost


def _spelled_out(form: Form) -> str:
    schema = json.dumps(form.schema, ensure_ascii=False)
    return f"Answer with one JSON object that fits this schema, and with nothing else:\n{schema}"


def _response_format(form: Form, mode: JsonMode) -> dict[str, Any]:
    if mode == "object":
        return {"type": "json_object"}
    strict = form.strict is not None
    described = {"name": form.name, "schema": form.strict if strict else form.schema, "strict": strict}
    return {"type": "json_schema", "json_schema": described}
