"""The smallest value that fits a JSON schema: what the stubs fill forms in with."""

from typing import Any


def filled_in(schema: dict[str, Any], number: int = 3) -> Any:
    """An instance of the schema, references within it followed; every number in it is `number`."""
    definitions = schema.get("$defs", {})

    def make(part: dict[str, Any]) -> Any:
        if "$ref" in part:
            return make(definitions[part["$ref"].rpartition("/")[2]])
        for key in ("anyOf", "oneOf", "allOf"):
            if key in part:
                return make(part[key][0])
        if "enum" in part:
            return part["enum"][0]
        if "const" in part:
            return part["const"]
        match part.get("type"):
            case "object":
                return {name: make(inner) for name, inner in part.get("properties", {}).items()}
            case "array":
                return [make(part["items"])]
            case "integer" | "number":
                return number
            case "boolean":
                return True
            case "null":
                return None
        return "Mara"

    return make(schema)
