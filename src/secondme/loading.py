"""The environment and `secondme.yaml` become Settings. Everything that is wrong with them is named at once.

The environment wins over the file.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from secondme.domain.errors import ConfigError
from secondme.meaning import Check, problems_of
from secondme.settings import AccountSettings, ModelSettings, QuietHoursSettings, Settings, variable

type _Path = tuple[str, *tuple[str | int, ...]]  # a field, and the way into its value

CONFIG_FILE = "secondme.yaml"
_SECRET = re.compile(r"(api_key|token|secret|secret_key|password)$", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"://[^/@]*:[^/@]+@")


# What each setting may be called in the file, in small letters: its variable, or its short name.
_NAMES = {name.lower(): field for field in Settings.model_fields for name in (variable(field), field)}
_NESTED: Mapping[str, type[BaseModel]] = {
    "accounts": AccountSettings,
    "models": ModelSettings,
    "quiet_hours": QuietHoursSettings,
}


class WrongSettings(ConfigError):
    """`rest` is what is left without them: enough to look at what does not depend on them."""

    def __init__(self, rest: Settings, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.rest = rest


def load(file: Path | None = None, *, checks: Iterable[Check] = ()) -> Settings:
    """Settings of this process; `checks` say what they have to be enough for.

    Raises WrongSettings that names everything wrong at once, ConfigError where the file cannot be read.
    """
    settings, problems = _settings(_written(file or Path(CONFIG_FILE)))
    problems += problems_of(settings, checks)
    if problems:
        raise WrongSettings(settings, list(dict.fromkeys(problems)))
    return settings


def secrets_in(file: Path) -> list[str]:
    """The names in the file whose values are secrets. Raises ConfigError."""
    return list(dict.fromkeys(_secret_names(_written(file))))


def _secret_names(value: Any, name: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [found for key, inner in value.items() for found in _secret_names(inner, str(key))]
    if isinstance(value, list):
        return [found for inner in value for found in _secret_names(inner, name)]
    told = isinstance(value, str) and _PASSWORD_IN_URL.search(value)
    return [name] if value and (_SECRET.search(name) or told) else []


def _written(file: Path) -> dict[str, Any]:
    """What the file says. Raises ConfigError."""
    if not file.exists():
        return {}
    try:
        values = yaml.safe_load(file.read_text()) or {}
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {_unread(error)}") from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ConfigError(f"{file} must hold settings as `name: value` lines.")
    return values


def _unread(error: Exception) -> str:
    """What is wrong and where, without the line itself: it may hold a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem} (line {mark.line + 1}, column {mark.column + 1})."
    if isinstance(error, OSError):
        return f"{error.strerror}."
    return "it is not written in UTF-8, or holds characters that no text has."


def _settings(written: Mapping[str, Any]) -> tuple[Settings, list[str]]:
    """The settings, without those that are wrong; and what is wrong with these."""
    values: dict[str, Any] = {}
    called: dict[str, str] = {}  # how whoever wrote it called the setting, by its field
    problems: list[str] = []
    told: set[_Path] = set()
    for name, value in written.items():
        field = _NAMES.get(name.lower())
        if field is None:
            problems.append(_unknown(name, name.lower(), _NAMES))
        else:
            values[field], called[field] = value, name
    for field in Settings.model_fields:
        if value := os.environ.get(variable(field)):
            values[field], called[field] = value, variable(field)
    while True:
        if "accounts" in called and "accounts" not in values:
            values["channel"] = "simulator"  # nobody needs what `main` would, were it the only one
        try:
            return Settings.model_validate(values), problems
        except ValidationError as error:
            errors = {_path(problem): problem for problem in error.errors()}
            new = errors.keys() - told  # what is missing because it was wrong has been told
            problems += [_said(path, problem, called) for path, problem in errors.items() if path in new]
            told |= new
            values = _without(values, errors)


def _path(problem: ErrorDetails) -> _Path:
    """Where it is, from the field on."""
    first, *rest = problem["loc"]
    return (_NAMES[str(first).lower()], *rest)


def _without(values: Mapping[str, Any], paths: Iterable[_Path]) -> dict[str, Any]:
    """The values without what stands at these places; without the whole setting where a part cannot go alone."""
    left = deepcopy(dict(values))
    for field, *path in paths:
        inner: Any = left
        try:
            *outer, last = field, *path
            for step in outer:
                inner = inner[step]
            if not isinstance(inner, dict):
                raise LookupError  # without it, those after it would have other places
            del inner[last]
        except (LookupError, TypeError):
            left.pop(field, None)
    return left


def _said(path: Sequence[str | int], problem: ErrorDetails, called: Mapping[str, str]) -> str:
    field, *rest = path
    place = called[str(field)] + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest
    )
    if problem["type"] == "extra_forbidden":
        model = _NESTED[str(field)]
        return _unknown(place, str(rest[-1]), [f.alias or name for name, f in model.model_fields.items()])
    return f"{place}: {_plainly(problem['msg'])}."


def _unknown(place: str, name: str, known: Sequence[str] | Mapping[str, str]) -> str:
    near = get_close_matches(name.lower(), list(known), 1)
    return f"{place}: unknown; " + (
        f"did you mean {near[0]}?" if near else "`secondme config schema` lists every name."
    )


def _plainly(complaint: str) -> str:
    """The library's words as an owner would say it."""
    said = complaint.removeprefix("Value error, ").removeprefix("Input should be ")
    said = said.replace("a valid integer, unable to parse string as an integer", "a whole number is needed")
    return said.replace("Field required", "is missing")
