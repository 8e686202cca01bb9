"""The templates of a WhatsApp Business Account: how Meta lists them, and what it takes and refuses of a send.

Written from Meta's pages on template management (`GET /{version}/{waba_id}/message_templates`), on components, and its
list of error codes. `LIBRARY` has one template of each form that matters.
"""

import re
from typing import Any
from urllib.parse import parse_qs

TEMPLATE_ERRORS = {
    132000: (400, "Number of parameters does not match the expected number of params", "Wrong number."),
    132001: (404, "Template name does not exist in the translation", "No such template in that language."),
    132012: (400, "Parameter format does not match format in the created template", "Wrong format."),
    132015: (400, "Template is paused", "Template is paused due to low quality."),
    132018: (400, "There is an issue with the parameters in your template", "Forbidden characters."),
}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_SET = {"id", "name", "language", "status", "category", "parameter_format", "components"}
# Documented as well, and left out of an answer where there is nothing to say.
_FIELDS = _SET | {
    "correct_category", "cta_url_link_tracking_opted_out", "degrees_of_freedom_spec", "library_template_name",
    "message_send_ttl_seconds", "previous_category", "quality_score", "rejected_reason", "sub_category",
}  # fmt: skip
_SUMMARY = {
    "total_count": 11,
    "message_template_count": 11,
    "message_template_limit": 6000,
    "are_translations_complete": False,
}
_QUERY = {
    "appsecret_proof", "name", "fields", "limit", "after", "before", "status", "language", "category", "summary"
}  # fmt: skip


def _text(text: str) -> dict[str, Any]:
    return {"type": "BODY", "text": text}


def _made(name: str, *components: dict[str, Any], language: str = "en_US", **more: str) -> dict[str, Any]:
    number = str(594425479261000 + len(name) * 7 + len(components) + len(language))
    named = any(not n.isdigit() for part in components for n in _PLACEHOLDER.findall(part.get("text", "")))
    return {
        "id": number,
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": "NAMED" if named else "POSITIONAL",
        "components": [part | _example(part) for part in components],
        **more,
    }


def _example(part: dict[str, Any]) -> dict[str, Any]:
    """What Meta asks whoever makes a template to give beside it, and repeats."""
    place, asked = part["type"].lower(), list(dict.fromkeys(_PLACEHOLDER.findall(part.get("text", ""))))
    if part.get("format", "TEXT") != "TEXT":
        return {"example": {"header_handle": ["https://scontent.whatsapp.net/v/t61"]}}
    if not asked:
        return {}
    if asked[0].isdigit():
        return {"example": {f"{place}_text": [asked] if place == "body" else asked}}
    return {"example": {f"{place}_text_named_params": [{"param_name": n, "example": n} for n in asked]}}


LIBRARY = [
    _made("hello_world", {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
          _text("Welcome and congratulations!!"), {"type": "FOOTER", "text": "WhatsApp Business Platform"}),
    _made("order_ready", _text("Your order is ready on {{1}} at {{2}}.")),
    _made("order_ready", _text("Deine Bestellung ist {{1}} um {{2}} fertig."), language="de"),
    _made("order_ready_soon", _text("Soon, {{1}}.")),
    _made("reminder", {"type": "HEADER", "format": "TEXT", "text": "For {{who}}"},
          _text("See you on {{day}} at {{time}}, {{day}}!")),
    _made("sale", {"type": "HEADER", "format": "IMAGE"}, _text("Save {{1}} today."),
          {"type": "BUTTONS", "buttons": [
              {"type": "QUICK_REPLY", "text": "Stop promotions"},
              {"type": "URL", "text": "Shop", "url": "https://www.example.com/sale/{{1}}",
               "example": ["https://www.example.com/sale/spring"]},
              {"type": "COPY_CODE", "text": "Copy offer code", "example": ["SPRING20"]},
              {"type": "URL", "text": "All", "url": "https://www.example.com/"}]}, category="MARKETING"),
    _made("menu", {"type": "HEADER", "format": "DOCUMENT"}, _text("Our menu of this week.")),
    _made("clip", {"type": "HEADER", "format": "VIDEO"}, _text("Look at this.")),
    _made("tired", _text("Nobody liked this."), status="PAUSED"),
    _made("new_one", _text("Not looked at yet."), status="PENDING"),
    _made("where", {"type": "HEADER", "format": "LOCATION"}, _text("We are here.")),
]  # fmt: skip


def listing(query: str) -> dict[str, Any]:
    """A page of templates, of fewer than `limit`; a name is found also as part of another.

    Raises ValueError with the words of a refusal.
    """
    asked = {key: values[-1] for key, values in parse_qs(query).items()}
    if strange := set(asked) - _QUERY:
        raise ValueError(f"Unknown parameter {sorted(strange)[0]}.")
    fields = set(asked["fields"].split(",")) if "fields" in asked else _SET
    if strange := fields - _FIELDS:
        raise ValueError(f"Tried accessing nonexisting field ({sorted(strange)[0]}).")
    found = [one for one in LIBRARY if asked.get("name", "") in one["name"]]
    start, limit = int(asked.get("after", 0)), min(2, int(asked["limit"])) if "limit" in asked else 25
    page = found[start : start + limit]
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + limit < len(found):
        paging["next"] = "https://graph.facebook.com/…"
    data = [{name: value for name, value in one.items() if name in fields | {"id"}} for one in page]
    return {"data": data, "paging": paging} | ({"summary": _SUMMARY} if "summary" in asked else {})


def refusal(name: str, language: str, components: list[Any]) -> int | None:
    """The code with which a send of this template is refused; None where it is taken."""
    found = next((one for one in LIBRARY if (one["name"], one["language"]) == (name, language)), None)
    if found is None or found["status"] == "PENDING":
        return 132001
    if found["status"] == "PAUSED":
        return 132015
    given = {(part.type, str(part.index or 0)): part.parameters for part in components}
    for part in _expected(found):
        if code := _wrong(part, given.pop(part[0], []), by_name=found["parameter_format"] == "NAMED"):
            return code
    return 132000 if given else None


def _expected(found: dict[str, Any]) -> list[tuple[tuple[str, str], str, list[str]]]:
    """((component, index), type of its parameters, placeholders)."""
    parts: list[tuple[tuple[str, str], str, list[str]]] = []
    for part in found["components"]:
        if part["type"] == "BUTTONS":
            for index, button in enumerate(part["buttons"]):
                if button["type"] == "COPY_CODE":
                    parts.append((("button", str(index)), "coupon_code", ["1"]))
                elif asked := _PLACEHOLDER.findall(button.get("url", "")):
                    parts.append((("button", str(index)), "text", asked))
        elif part["type"] in ("HEADER", "BODY"):
            kind = part.get("format", "TEXT").lower()
            asked = list(dict.fromkeys(_PLACEHOLDER.findall(part.get("text", ""))))
            parts.append(((part["type"].lower(), "0"), kind, asked if kind == "text" else ["1"]))
    return parts


def _wrong(part: tuple[tuple[str, str], str, list[str]], given: list[Any], *, by_name: bool) -> int | None:
    (component, _), kind, asked = part
    if any(parameter.type != kind for parameter in given):
        return 132012
    if len(given) != len(asked):
        return 132000
    if component != "button" and kind == "text":
        names = [parameter.parameter_name for parameter in given]
        if sorted(names, key=str) != sorted(asked if by_name else [None] * len(asked), key=str):
            return 132012
    texts = [parameter.text or "" for parameter in given if kind == "text"]
    if any(not text.strip() or re.search(r"[\n\t]| {5}", text) for text in texts):
        return 132018
    return None
