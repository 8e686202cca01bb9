"""What Meta's Graph API takes, and how it refuses: strict models of a send, and its error objects.

Written from Meta's reference of `POST /{version}/{phone_number_id}/messages` and its list of error codes. Meta
itself overlooks some of what is refused here, such as fields that it does not know, or both `to` and `recipient`.
"""

import json
from collections.abc import Collection
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tests.stubs.meta_templates import TEMPLATE_ERRORS, refusal

PHONE_NUMBER_ID = "106540352242922"
DISPLAY_NUMBER = "15550783881"
ACCOUNT_ID = "102290129340398"  # of the WhatsApp Business Account
TOKEN = "EAAJB-permanent-token-of-a-system-user"
APP_SECRET = "6d1b35f2a1c04d8b9f0e2a7c5d3e8f41"
VERIFY_TOKEN = "a-verify-token-of-our-own"

# Code: HTTP status, title, details. Meta asks to go by the code; the statuses differ between its own pages.
ERRORS = {
    3: (500, "API Method", "Capability or permissions issue."),
    4: (429, "Application request limit reached", "The app has reached its API call rate limit."),
    100: (400, "Invalid parameter", "The request included unsupported or misspelled parameters."),
    190: (401, "Error validating access token", "Session has expired."),
    130429: (429, "Rate limit hit", "Cloud API message throughput has been reached."),
    131000: (500, "Something went wrong", "Message failed to send because of an unknown error."),
    131016: (500, "Service unavailable", "A service is temporarily unavailable."),
    131026: (400, "Message undeliverable", "Unable to deliver message."),
    131047: (400, "Re-engagement message", "More than 24 hours have passed since the customer last replied."),
    131048: (400, "Spam rate limit hit", "There are restrictions on how many messages can be sent."),
    131056: (400, "Pair rate limit hit", "Too many messages from this number to the same number."),
    **TEMPLATE_ERRORS,
}

_USUAL = {
    "id": PHONE_NUMBER_ID,
    "display_phone_number": "+1 555-078-3881",
    "verified_name": "Ana's bakery",
    "code_verification_status": "VERIFIED",
    "quality_rating": "GREEN",
}
_FIELDS = _USUAL | {
    "platform_type": "CLOUD_API",
    "name_status": "APPROVED",
    "status": "CONNECTED",
    "account_mode": "LIVE",
    "is_on_biz_app": True,
    "is_official_business_account": False,
    "throughput": {"level": "STANDARD"},
    "country_dial_code": "1",
}
# Documented as well, and left out of an answer where there is nothing to say.
_EMPTY = {
    "certificate",
    "conversational_automation",
    "country_code",
    "eligibility_for_api_business_global_search",
    "health_status",
    "is_pin_enabled",
    "is_preverified_number",
    "last_onboarded_time",
    "new_certificate",
    "new_name_status",
    "quality_score",
    "search_visibility",
    "webhook_configuration",
    "whatsapp_business_manager_messaging_limit",
}

_Name = Annotated[str, Field(min_length=1, max_length=512)]
_Caption = Annotated[str, Field(max_length=1024)]
_Url = Annotated[str, Field(pattern=r"^https?://\S+$")]
_Lower = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
_MediaId = Annotated[str, Field(pattern=r"^\d+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Text(_Strict):
    body: Annotated[str, Field(min_length=1, max_length=4096)]
    preview_url: bool = False


class _Media(_Strict):
    id: _MediaId | None = None
    link: _Url | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "_Media":
        if (self.id is None) == (self.link is None):
            raise ValueError("exactly one of id and link")
        return self


class _Captioned(_Media):
    caption: _Caption | None = None


class _Document(_Captioned):
    filename: _Name | None = None


class _Audio(_Media):
    voice: bool = False


class _Reaction(_Strict):
    message_id: _Name
    emoji: str


class _Location(_Strict):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class _Language(_Strict):
    code: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2,3})?$")]
    policy: Literal["deterministic"] = "deterministic"


class _Parameter(_Strict):
    type: Literal["text", "payload", "coupon_code", "currency", "date_time", "image", "video", "document"]
    parameter_name: str | None = None
    text: str | None = None
    payload: str | None = None
    coupon_code: Annotated[str, Field(min_length=1, max_length=15)] | None = None
    currency: dict[str, Any] | None = None
    date_time: dict[str, Any] | None = None
    image: _Media | None = None
    video: _Media | None = None
    document: _Document | None = None

    @model_validator(mode="after")
    def _says_what_it_is(self) -> "_Parameter":
        if getattr(self, self.type) is None:
            raise ValueError(f"a parameter of type {self.type} needs {self.type}")
        return self


class _Component(_Strict):
    type: Annotated[Literal["header", "body", "button"], _Lower]  # Meta's pages write these in either case
    sub_type: Annotated[Literal["quick_reply", "url", "copy_code", "flow"] | None, _Lower] = None
    index: int | str | None = None
    parameters: list[_Parameter] = []

    @model_validator(mode="after")
    def _buttons_have_places(self) -> "_Component":
        if (self.type == "button") != (self.sub_type is not None and self.index is not None):
            raise ValueError("sub_type and index belong to buttons, and only to them")
        return self


class _Template(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: _Language
    components: list[_Component] = []


class _Interactive(_Strict):
    type: Literal["button", "list", "cta_url", "flow", "location_request_message"]
    body: dict[str, str]
    action: dict[str, Any]
    header: dict[str, Any] | None = None
    footer: dict[str, str] | None = None


class _Context(_Strict):
    message_id: _Name


class Send(_Strict):
    """One message to one person."""

    messaging_product: Literal["whatsapp"]
    recipient_type: Literal["individual"] = "individual"
    to: Annotated[str, Field(pattern=r"^[1-9]\d{6,14}$")] | None = None
    recipient: Annotated[str, Field(pattern=r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$")] | None = None
    type: str = "text"
    context: _Context | None = None
    biz_opaque_callback_data: Annotated[str, Field(max_length=512)] | None = None
    recipient_identity_key_hash: str | None = None
    text: _Text | None = None
    image: _Captioned | None = None
    video: _Captioned | None = None
    document: _Document | None = None
    audio: _Audio | None = None
    sticker: _Media | None = None
    reaction: _Reaction | None = None
    location: _Location | None = None
    contacts: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    template: _Template | None = None
    interactive: _Interactive | None = None

    @model_validator(mode="after")
    def _one_recipient_one_content(self) -> "Send":
        if (self.to is None) == (self.recipient is None):
            raise ValueError("exactly one of to and recipient")
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if given != [self.type]:
            raise ValueError(f"type is {self.type}, and there is {given or 'no content'}")
        return self


_KINDS = [name for name in Send.model_fields if name == "text" or name in
          ("image", "video", "document", "audio", "sticker", "reaction", "location", "contacts", "template",
           "interactive")]  # fmt: skip


class _Typing(_Strict):
    type: Literal["text"]


class Read(_Strict):
    """That a message was read, and perhaps that somebody is typing."""

    messaging_product: Literal["whatsapp"]
    status: Literal["read"]
    message_id: _Name
    typing_indicator: _Typing | None = None


class RefusedError(Exception):
    """What the API answers instead: `code` of ERRORS, and why; `body` where it is not the usual error object."""

    def __init__(self, code: int, details: str, body: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {details}")
        self.code, self.details, self.body = code, details, body


def parse(raw: bytes, content_type: str, known: Collection[str]) -> Send | Read:
    """A request's body, or RefusedError with code 100, or with one about templates.

    `known` are the ids of messages that either side has.
    """
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise RefusedError(100, f"Content-Type is {content_type or 'missing'}, not application/json.")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise RefusedError(100, "The body is no JSON.") from error
    model = Read if isinstance(body, dict) and "status" in body else Send
    try:
        request = model.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise RefusedError(100, f"Param {place}: {first['msg']}") from error
    template = request.template if isinstance(request, Send) else None
    code = refusal(template.name, template.language.code, template.components) if template else None
    if code is not None:
        raise RefusedError(code, ERRORS[code][2])
    for place, message_id in _references(request):
        if message_id not in known:
            raise RefusedError(100, f"Param {place}: no such message")
    return request


def _references(request: Send | Read) -> list[tuple[str, str]]:
    if isinstance(request, Read):
        return [("message_id", request.message_id)]
    quoted = [("context.message_id", request.context.message_id)] if request.context else []
    return quoted + ([("reaction.message_id", request.reaction.message_id)] if request.reaction else [])


def error_object(code: int, details: str | None = None) -> dict[str, Any]:
    """The Graph API's error object for a code of ERRORS."""
    _, title, usual = ERRORS[code]
    return {
        "error": {
            "message": f"(#{code}) {title}",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": details or usual},
            "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW",
        }
    }


def number_fields(query: str) -> dict[str, Any]:
    """The fields of the number that were asked for, or the usual ones."""
    wanted = [name for value in parse_qs(query).get("fields", []) for name in value.split(",")]
    for name in wanted:
        if name not in _FIELDS and name not in _EMPTY:
            raise RefusedError(100, f"Tried accessing nonexisting field ({name}).")
    chosen = {*wanted, "id"} if wanted else _USUAL
    return {name: value for name, value in _FIELDS.items() if name in chosen}
