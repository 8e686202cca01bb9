"""From a pydantic model to a form, and from what a mind filled in back to the model."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from secondme.llm.asking import Form
from secondme.llm.prompts import harmless
from secondme.llm.replies import visible

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)
_MOST_PROBLEMS = 10
_NO_JSON = "It is no JSON object."


def form_of(schema: type[BaseModel]) -> Form:
    """The form for a model; its name is the class's."""
    found = schema.model_json_schema()
    name = re.sub(r"[^A-Za-z0-9_-]", "_", schema.__name__)[:64]
    return Form(name, found, _strict(found) if _is_closed(found) else None)


def filled[T: BaseModel](schema: type[T], text: str) -> T:
    """What a mind filled in. Raises ValidationError, or ValueError where it is no JSON."""
    text = visible(text)
    fenced = _FENCED.fullmatch(text)
    try:
        found = json.loads(fenced.group(1) if fenced else text)
    except RecursionError:
        raise ValueError(_NO_JSON) from None
    return schema.model_validate(found)


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


def _strict(schema: Any) -> Any:
    """The schema as OpenAI's strict mode wants it: every property required, none besides, no defaults.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {
        key: {name: _strict(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _strict(value)
        for key, value in schema.items()
        if key != "default"
    }
    if isinstance(found.get("properties"), dict):
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found
