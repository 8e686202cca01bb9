"""From a pydantic model to a form, and from what a mind filled in back to the model."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from secondme.llm.asking import Form
from secondme.llm.prompts import harmless
from secondme.llm.replies import visible

_FENCE = "```"
_MOST_PROBLEMS = 10
_NO_JSON = "It is no JSON object."


def form_of(schema: type[BaseModel]) -> Form:
    """The form for a model; its name is the class's."""
    found = schema.model_json_schema()
    name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
    return Form(name, found, _strict(found, found) if _is_closed(found) else None)


def filled[T: BaseModel](schema: type[T], text: str) -> T:
    """What a mind filled in. Raises ValidationError, or ValueError where it is no JSON."""
    try:
        found = json.loads(_unfenced(visible(text)))
    except RecursionError:
        raise ValueError(_NO_JSON) from None
    return schema.model_validate(found)


def _unfenced(text: str) -> str:
    """What stands in the fence that is all of a text, or the text."""
    if not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    kind, _, inside = text.removeprefix(_FENCE).removesuffix(_FENCE).partition("\n")
    return inside if kind.strip() in ("", "json") else text


def complaint(error: ValueError) -> str:
    """What to mend, for the mind that filled it in and for nobody else: it may quote what it wrote."""
    if not isinstance(error, ValidationError):
        return _NO_JSON
    lines = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the object'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "\n".join(harmless(line, longest=300) for line in lines[:_MOST_PROBLEMS])


def _is_closed(schema: Any) -> bool:
    """Whether every object names its properties: constrained decoding knows no other."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" and (
            "properties" not in schema or schema.get("additionalProperties")
        ):
            return False
        return all(_is_closed(part) for part in schema.values())
    return not isinstance(schema, list) or all(_is_closed(part) for part in schema)


def _strict(schema: Any, whole: Mapping[str, Any]) -> Any:
    """The schema as OpenAI's strict mode wants it: every property required, none besides, no defaults, and nothing
    beside a reference, so that one which is described is written out.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return [_strict(part, whole) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    said = {key: value for key, value in schema.items() if key != "default"}
    if "$ref" in said and len(said) > 1:
        return _strict(_definition(said.pop("$ref"), whole) | said, whole)
    found = {
        key: {name: _strict(part, whole) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _strict(value, whole)
        for key, value in said.items()
    }
    if isinstance(found.get("properties"), dict):
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found


def _definition(reference: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """What `#/$defs/NAME`, the one form of reference that pydantic writes, stands for."""
    return dict(whole["$defs"][reference.removeprefix("#/$defs/")])
