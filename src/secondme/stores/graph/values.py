"""Values on their way into Cypher and back. Text from outside travels as parameters, and this is what quotes them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import orjson

type Value = str | int | float | bool | date | datetime | Sequence["Value"] | Mapping[str, "Value"] | None
type Row = list[Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REPLACEMENT = "\ufffd"
_MOMENT = len("2026-01-31T23:59:59")


def header(parameters: Mapping[str, Value]) -> str:
    """What stands before a query's text and gives it its parameters. Raises TypeError and ValueError as `literal`."""
    if not parameters:
        return ""
    return f"CYPHER {' '.join(f'{_name(name)}={literal(value)}' for name, value in parameters.items())} "


def literal(value: Value) -> str:
    """A value as Cypher writes it. A moment becomes text in UTC, for `localdatetime()`; a date text, for `date()`.

    Raises ValueError for a number that the graph cannot hold, a moment without a zone and a key that is no plain
    name, TypeError for what is none of these.
    """
    writer = _WRITERS.get(type(value))
    if writer is None:  # such as an enumeration of texts
        writer = next((writer for kind, writer in _WRITERS.items() if isinstance(value, kind)), None)
    if writer is None:
        raise TypeError(f"no value of the graph: {type(value).__name__}")
    return writer(value)


def moment(value: datetime) -> str:
    """A moment as the graph keeps it: UTC, to the second. Raises ValueError where it has no zone."""
    if value.tzinfo is None:
        raise ValueError("a moment without a zone")
    return value.astimezone(UTC).isoformat(timespec="seconds")[:_MOMENT]


def encoded(command: str) -> bytes:
    """UTF-8. What no text of the graph can hold, NUL and lone surrogates, becomes U+FFFD."""
    if "\0" in command:
        command = command.replace("\0", _REPLACEMENT)
    try:
        return command.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_REPLACEMENT, command).encode()


def rows(answer: Sequence[Any]) -> list[Row]:
    """The rows of a compact answer; none for a query that returns nothing."""
    if len(answer) != 3:
        return []
    # As one loop: a call for each value would cost half as much again as asking for them.
    return [
        [value if kind <= _AS_IT_IS else _READERS[kind](value) for kind, value in row] for row in answer[1]
    ]


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a key is letters, digits and underscores")
    return name


def _text(value: str) -> str:
    if "\\" in value or '"' in value:  # inside double quotes only these two mean anything
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def _whole(value: int) -> str:
    if not -(2**63) <= value < 2**63:
        raise ValueError("a whole number beyond 64 bits")
    return repr(int(value))


def _real(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return repr(float(value))


def _list(values: Sequence[Value]) -> str:
    if len(values) > 8 and set(map(type, values)) == {float}:  # a vector: thirty times as fast as one by one
        written = orjson.dumps(values).decode()
        if "null" in written:
            raise ValueError("a number that is not finite")
        return written
    return f"[{','.join([(_WRITERS.get(type(value)) or literal)(value) for value in values])}]"


def _dict(values: Mapping[str, Value]) -> str:
    # Looked up here rather than in `literal`: a call for each value would cost a third again.
    written = [
        f"{_name(key)}:{(_WRITERS.get(type(value)) or literal)(value)}" for key, value in values.items()
    ]
    return f"{{{','.join(written)}}}"


# What is a kind of another stands before it.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _text,
    type(None): lambda value: "null",
    bool: lambda value: "true" if value else "false",
    int: _whole,
    float: _real,
    datetime: lambda value: f'"{moment(value)}"',
    date: lambda value: f'"{value.isoformat()}"',
    dict: _dict,
    list: _list,
    tuple: _list,
}


def _read(cell: Sequence[Any]) -> Any:
    """One value with its type's number before it."""
    kind, value = cell
    return value if kind <= _AS_IT_IS else _READERS[kind](value)


def _map(flat: Sequence[Any]) -> dict[str, Any]:
    return {flat[at]: _read(flat[at + 1]) for at in range(0, len(flat), 2)}


def _moment(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _time(seconds: int) -> time:
    return _moment(seconds).time()


_AS_IT_IS = 3  # null, text and whole numbers have the types 1 to 3
# By the numbers of https://docs.falkordb.com/design/client-spec.html; nodes, edges and paths are not asked for.
_READERS: dict[int, Callable[[Any], Any]] = {
    4: lambda value: value == "true",
    5: float,
    6: lambda values: [_read(value) for value in values],
    10: _map,
    12: lambda values: [float(value) for value in values],  # vector
    13: _moment,
    14: lambda seconds: _moment(seconds).date(),
    15: _time,
    16: lambda seconds: timedelta(seconds=seconds),
}
