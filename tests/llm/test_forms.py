"""Forms as constrained decoding wants them: what OpenAI's own SDK makes of a model is what we make of it."""

import json
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from secondme.llm.forms import form_of


class Mood(StrEnum):
    GOOD = "good"
    BAD = "bad"


class Place(BaseModel):
    """Where."""

    name: str = Field(description="what it is called")
    mood: Mood = Field(description="how it is there", default=Mood.GOOD)


class Trip(BaseModel):
    """A form with references that are described, within one another, and in lists and choices."""

    begins: Place = Field(description="where it begins")
    ends: Place
    mood: Mood = Field(description="how it was")
    by: Annotated[Place | None, Field(description="over which place")] = None
    stops: list[Annotated[Place, Field(description="one of them")]]
    kind: Literal["far", "near"] = "near"


class Branch(BaseModel):
    """A form that holds itself."""

    name: str
    root: "Branch | None" = Field(default=None, description="what it grows from")
    boughs: list["Branch"]


def without_defaults(schema: Any) -> Any:
    """The SDK keeps those that are not None, which strict mode refuses."""
    if isinstance(schema, list):
        return [without_defaults(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: without_defaults(part) for key, part in schema.items() if key != "default"}


def beside_references(schema: Any) -> list[Any]:
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    found = [part for each in inside for part in beside_references(each)]
    return [*found, schema] if isinstance(schema, dict) and "$ref" in schema and len(schema) > 1 else found


@pytest.mark.parametrize("schema", [Trip, Place, Branch])
def test_a_strict_form_is_what_openais_sdk_makes(schema: type[BaseModel]) -> None:
    strict = form_of(schema).strict
    assert strict == without_defaults(to_strict_json_schema(schema))
    assert beside_references(strict) == []


def test_a_described_reference_says_what_is_said_where_it_stands() -> None:
    strict: Any = form_of(Trip).strict
    begins = strict["properties"]["begins"]
    assert begins["description"] == "where it begins"
    assert begins["required"] == ["name", "mood"] and begins["additionalProperties"] is False
    assert begins["properties"]["mood"]["enum"] == ["good", "bad"]
    assert '"default"' not in json.dumps(strict)
