"""What may stand in a log line: harmless keys, scalars, and of an exception its type."""

import linecache
import re
import sys
from collections.abc import Mapping
from datetime import date, time, timedelta
from enum import Enum
from functools import lru_cache
from logging import LogRecord
from types import TracebackType
from typing import Any
from uuid import UUID

from structlog.typing import EventDict, Processor

from secondme.domain.errors import Invalid, SecondMeError

# A key is refused when one of its words is here, `contact_name` and `replyText` too, …
_WORDS_OF_CONTENT = """
address addresses answer apikey args arguments authorization body caption content contents cookie credential
credentials data draft email example examples fact facts file filename headers html json line lines message
messages name names number numbers password path payload phone phones prompt query quote raw recipient replies
reply request response secret secrets sender subject summary text texts title token url username value wamid
"""
FORBIDDEN = frozenset(_WORDS_OF_CONTENT.split())
# … or when it is one of these as a whole (a provider's message id may hold the number that it went to),
FORBIDDEN_KEYS = frozenset({"from", "to", "api_key", "provider_id", "callback"})
# unless its last word says that it is an id or a figure,
HARMLESS_ENDS = frozenset({"id", "ids", "ms", "seconds", "count", "total", "bytes", "words"})
# or it counts.
COUNTS = frozenset(
    {"addresses", "examples", "facts", "lines", "messages", "names", "numbers", "replies", "texts"}
)

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_EVENT = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*", re.ASCII)
# With a plus and its usual spacing, or nine and more digits that stand alone (not in a UUID or a stream id).
_NUMBER = re.compile(r"\+[1-9](?:[ ().-]{0,2}[0-9]){6,14}|(?<![\w.-])[1-9][0-9]{8,14}(?![\w-])", re.ASCII)
_PLACE = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z%]")  # where an argument of a log call goes
_LONGEST = 200  # characters of one value
_LONGEST_FIGURE = 8  # digits; what is longer may be somebody's number
_MOST = 20  # items of one list
_SHORT = 32  # characters of what is probably a name of ours


@lru_cache(maxsize=1024)
def is_forbidden(key: str) -> bool:
    """Whether a value under this key could be content, a name, a number or a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if key in FORBIDDEN_KEYS or not words:
        return True
    return words[-1] not in HARMLESS_ENDS and not FORBIDDEN.isdisjoint(words)


def _may_stand(key: str, value: object) -> bool:
    return not is_forbidden(key) or (key in COUNTS and isinstance(value, int))


def plain(value: object) -> Any:
    """Reduce a value to what JSON holds; anything whose repr could show content becomes its type's name."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _masked(value) if len(value) <= _SHORT else _mask(value)
    if isinstance(value, UUID | date | time):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, BaseException):
        return describe(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in list(value)[:_MOST]]
    if isinstance(value, Mapping):
        return {
            key: plain(item) for key, item in value.items() if isinstance(key, str) and _may_stand(key, item)
        }
    return f"<{type(value).__name__}>"


def _mask(value: str) -> str:
    masked = _NUMBER.sub("[number]", value)
    return masked if len(masked) <= _LONGEST else masked[:_LONGEST] + "…"


_masked = lru_cache(maxsize=1024)(_mask)  # accounts, rules and states come again and again


def guard(strict: bool) -> Processor:
    """A processor that lets only harmless keys and scalars through.

    Strict (tests) it raises Invalid for a forbidden key or an event that is not a dotted name; otherwise it
    drops them and says which keys it dropped.
    """

    def process(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
        event = event_dict.pop("event", "")
        named = isinstance(event, str) and len(event) <= 80 and _EVENT.fullmatch(event)
        dropped = sorted(key for key, value in event_dict.items() if not _may_stand(key, value))
        if strict and (dropped or not named):
            keys = f"the keys {', '.join(dropped)}" if dropped else "an event that is no dotted name"
            raise Invalid(
                f"A log line has {keys}. Log ids and figures under a name such as `message.received`."
            )
        clean = {key: plain(value) for key, value in event_dict.items() if key not in dropped}
        clean["event"] = event if named else "log.unnamed"
        if dropped:
            clean["dropped"] = dropped
        return clean

    return process


def describe(error: BaseException) -> str:
    """The types of an exception and of its causes; the message only where the error is one of ours."""
    words: list[str] = []
    link: BaseException | None = error
    while link is not None and len(words) < 6:
        word = type(link).__name__
        if isinstance(link, SecondMeError):
            word += f": {link}"
        elif isinstance(link, BaseExceptionGroup):
            word += f"({', '.join(describe(inner) for inner in link.exceptions[:5])})"
        words.append(word)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return str(plain(" ← ".join(words)))


def where(trace: TracebackType | None) -> str | None:
    """The place that raised and the nearest place of ours: `aiohttp/client.py:700 ← secondme/llm/x.py:88`."""
    places = []
    while trace is not None:
        places.append(f"{_short(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
        trace = trace.tb_next
    ours = [place for place in places if place.startswith("secondme/")]
    return " ← ".join(dict.fromkeys(places[-1:] + ours[-1:])) or None


def _short(path: str) -> str:
    for root in ("/site-packages/", "/src/", f"/python3.{sys.version_info.minor}/"):
        if root in path:
            return path.rsplit(root, 1)[1]
    return path.rsplit("/", 1)[-1]


def reduce_exception(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """Replace a traceback, whose last line holds the arguments of the exception, by types and places."""
    found = event_dict.pop("exc_info", None)
    event_dict.pop("stack_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event_dict.setdefault("error", describe(error))
        event_dict["where"] = where(error.__traceback__)
    return event_dict


def reduce_foreign(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """Reduce another library's line to its logger and its words, or its place where they are not constant."""
    record: LogRecord = event_dict["_record"]
    arguments = event_dict.pop("positional_args")
    event_dict["event"] = re.sub(r"[^a-z0-9_.-]|[0-9]{5,}", "-", record.name.lower()).strip(".-") or "root"
    if _is_constant(record):
        event_dict["said"] = _filled(str(record.msg), arguments)
    else:
        event_dict["place"] = f"{_short(record.pathname)}:{record.lineno}"
    return event_dict


def _filled(said: str, arguments: object) -> str:
    """Its words with the figures among its arguments; any other argument may be anything and becomes an ellipsis."""
    if not arguments:
        return said
    given = iter(arguments if isinstance(arguments, tuple) else ())

    def fill(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return "%"
        value = next(given, None)
        figure = str(value) if isinstance(value, int | float) else ""
        return figure if 0 < len(figure) <= _LONGEST_FIGURE else "…"

    return _PLACE.sub(fill, said)


def _is_constant(record: LogRecord) -> bool:
    """Whether the message, before its arguments were put in, is written so in the source beside the call."""
    said = record.msg
    if not isinstance(said, str) or not said or len(said) > _LONGEST:
        return False
    lines = linecache.getlines(record.pathname)[max(0, record.lineno - 4) : record.lineno + 8]
    source = "".join(lines)
    return f'"{said}"' in source or f"'{said}'" in source
