"""Refusals as providers word them, for the stubs: by the name of a model, a status and its body.

`talk:…` refuses what holds FLAGGED and answers anything else; `settings:…` and `request:…` refuse everything. Those of
OpenAI and Anthropic themselves are built from their SDKs' types; each repeats nothing of what was asked, but `echo`.
"""

from typing import Any

from aiohttp import web
from anthropic.types import ErrorResponse
from openai.types import ErrorObject

FLAGGED = "FLAGGED"
_TOO_LARGE = "request_too_large"


def _openai(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    error = ErrorObject(message=message, code=code, param=param, type="invalid_request_error")
    return {"error": error.model_dump()}


def _anthropic(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    if kind != _TOO_LARGE:  # documented, and yet unknown to the SDK's types
        ErrorResponse.model_validate(body, strict=True)
    return body


_MODERATED = {
    "code": 403,
    "message": "Your chosen model requires moderation and your input was refused.",
    "metadata": {"reasons": ["harassment"], "flagged_input": FLAGGED, "provider_name": "OpenAI"},
}
_AZURE = {
    "message": "The response was filtered.",
    "code": "content_filter",
    "param": "prompt",
    "innererror": {"code": "ResponsibleAIPolicyViolation"},
}
_VLLM = "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."
_LONG = "Your input exceeds the context window of this model. Please adjust your input and try again."
OPENAI: dict[str, tuple[int, Any]] = {
    "talk:filter": (400, {"error": _AZURE}),
    "talk:prompt": (400, _openai("Invalid prompt: it may violate our usage policy.", "invalid_prompt")),
    "talk:moderation": (403, {"error": _MODERATED}),
    "talk:hidden": (
        400,
        {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": "content_filter"}}},
    ),
    "talk:long": (400, _openai(_LONG, "context_length_exceeded", "messages")),
    "talk:vllm": (400, {"object": "error", "message": _VLLM, "type": "BadRequestError", "code": 400}),
    "talk:proxy": (413, "<html>413 Request Entity Too Large</html>"),
    "talk:wall": (403, "<html>Sorry, you have been blocked</html>"),
    "request:echo": (400, _openai("Cannot read: Invalid API key, model_not_found, permission denied")),
    "request:option": (422, _openai("Unsupported value: 'temperature'", "unsupported_value", "temperature")),
    "settings:model": (400, _openai("The model `x` has been decommissioned", "model_decommissioned")),
    "settings:name": (400, {"error": {"code": 400, "message": "some/thing is not a valid model ID"}}),
    "settings:param": (400, _openai("invalid model ID", None, "model")),
    "settings:key": (403, {"error": {"code": 403, "message": "Key limit exceeded (total limit)."}}),
}
ANTHROPIC: dict[str, tuple[int, Any]] = {
    "talk:filter": (400, _anthropic("Output blocked by content filtering policy")),
    "talk:long": (400, _anthropic("prompt is too long: 209103 tokens > 200000 maximum")),
    "talk:room": (400, _anthropic("input length and `max_tokens` exceed context limit: 199000 + 2048")),
    "talk:large": (413, _anthropic("Request exceeds the maximum size", _TOO_LARGE)),
    "request:echo": (400, _anthropic("messages.0: Your credit balance is too low, api key, not found")),
    "settings:credit": (400, _anthropic("Your credit balance is too low to access the Anthropic API.")),
    "settings:key": (403, _anthropic("Your API key does not have permission.", "permission_error")),
}


def refused(table: dict[str, tuple[int, Any]], model: str, asked: str) -> web.Response | None:
    """The answer of a model that is in the table to what was `asked`; None where it has nothing against it."""
    if model not in table or (model.startswith("talk:") and FLAGGED not in asked):
        return None
    status, body = table[model]
    if isinstance(body, str):
        return web.Response(text=body, status=status, content_type="text/html")
    return web.json_response(body, status=status)
