"""What a refusal means, as far as can be told: the talk, its length, the request, or the model, key and account.

What a contact writes may stand in what a provider says. So it may make a refusal look like one of the talk, which harms
nobody else, and never like one that is held against the service: for that there has to be a code, or the first words.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

Cause = Literal["status", "refused", "too_long", "request"]

_TOO_LONG_CODES = frozenset(
    {
        "context_length_exceeded",
        "exceed_context_size_error",
        "request_too_large",
        "string_above_max_length",
    }
)
_REFUSED_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "data_inspection_failed",
        "flagged_input",
        "invalid_prompt",
        "moderation_blocked",
        "responsibleaipolicyviolation",
    }
)
_SETTINGS_CODES = frozenset(
    {
        "account_deactivated",
        "authentication_error",
        "billing_error",
        "billing_not_active",
        "insufficient_quota",
        "invalid_api_key",
        "invalid_model",
        "model_decommissioned",
        "model_not_found",
        "not_found_error",
        "permission_error",
        "unsupported_country_region_territory",
    }
)
_TOO_LONG = re.compile(
    r"context.(?:length|window|size|limit)|(?:prompt|input|request|message)\w{0,9}\b.{0,40}\btoo (?:long|large)"
    r"|reduce the length",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content.?(?:filter|management|policy|moderation|exists risk)|moderation|flagged|usage polic|safety"
    r"|violat\w{0,9}\b.{0,40}\bpolic|blocked by|inappropriate|prohibited",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"your credit balance|(?:incorrect |invalid )?api key|(?:invalid|unknown) model"
    r"|(?:the )?(?:model )?\S+ (?:is not a valid model|does not exist|has been decommissioned)",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    r"\b(?:key|permissions?|access|authenticat\w+|authoriz\w+|account|organization|project|country)\b",
    re.IGNORECASE,
)
_FIRST_WORDS = 80  # characters
_NO_SYSTEM = re.compile(
    r"(?:system|developer)\W+(?:\w+\W+){0,3}(?:(?:is|are)\W+)?(?:not\W+(?:supported|enabled|allowed)|unsupported)"
    r"|(?:not\W+support|unsupported|not\W+allow)\w*\W+(?:\w+\W+){0,4}(?:system|developer)\W+(?:message|role|prompt|instr)",
    re.IGNORECASE,
)
_NO_FORMAT = re.compile(r"response_format|json_schema|json_object|structured output", re.IGNORECASE)

READ = frozenset({400, 403, 413, 422})  # statuses whose body says what is meant


@dataclass(frozen=True, slots=True)
class Refusal:
    """Flags of ours, and nothing of what the provider said. `cause`: who would have to change something.

    refused: the talk is refused, and would be again. too_long: the same, for its length. request: anything about this
    one request. status: the service, or our settings.
    """

    cause: Cause = "status"
    no_system: bool = False
    no_format: bool = False


def read(status: int, body: str) -> Refusal:
    """What an answer with this status means; `body` is its beginning."""
    if status not in READ:
        return Refusal()
    said, codes = _complaint(body)
    teaches = status in (400, 422)
    return Refusal(
        _cause(status, said, codes),
        no_system=teaches and _NO_SYSTEM.search(said) is not None,
        no_format=teaches and _NO_FORMAT.search(said) is not None,
    )


def _cause(status: int, said: str, codes: frozenset[str]) -> Cause:
    if status == 413 or codes & _TOO_LONG_CODES:
        return "too_long"
    if codes & _REFUSED_CODES:
        return "refused"
    if codes & _SETTINGS_CODES:
        return "status"
    if _TOO_LONG.search(said):
        return "too_long"
    if _REFUSED.search(said):
        return "refused"
    ours = _FORBIDDEN.search(said[:_FIRST_WORDS]) if status == 403 else _SETTINGS.match(said)
    return "status" if ours else "request"


def _complaint(body: str) -> tuple[str, frozenset[str]]:
    """The provider's own words, as far as they can be told from a request that it repeats, and its codes."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return "", frozenset()
    error = said.get("error", said) if isinstance(said, dict) else None
    if isinstance(error, str):
        return error, frozenset()
    if not isinstance(error, dict):
        return "", frozenset()
    inner, about = _within(error, "innererror"), _within(error, "metadata")
    words = [error.get(name) for name in ("message", "param", "code")] + [about.get("raw")]
    codes = {str(code).lower() for code in (error.get("type"), error.get("code"), inner.get("code"))}
    if error.get("param") == "model":
        codes.add("invalid_model")
    if "flagged_input" in about:  # OpenRouter's own
        codes.add("flagged_input")
    return " ".join(str(word) for word in words if word), frozenset(codes)


def _within(error: dict[str, Any], name: str) -> dict[str, Any]:
    found = error.get(name)
    return found if isinstance(found, dict) else {}
