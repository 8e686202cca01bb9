"""How a careless model may read a prompt, and what of a prompt is ours."""

import html
import json
import re
import unicodedata
from typing import Any

from tests.injection.hostile import OURS

_INVISIBLE = re.compile("[\u00ad\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f]")
_ALIKE = str.maketrans("\u0430\u0435\u043e\u0455\u0441\u0445", "aeoscx")
_FENCED = re.compile(r"<(message|example|fact|style)( [^<>]*)?>(.*?)</\1>", re.DOTALL)
_TAGS = re.compile(rf"<[\s/]*(?:{'|'.join(OURS)})|<\||<\uff5c|</?s>|\[/?(?:inst|system_prompt|tool_\w+)\]")


def folded(text: str) -> str:
    """The text as it looks to somebody who decodes entities, sees no difference of width or script, and skips what
    cannot be seen."""
    text = unicodedata.normalize("NFKC", html.unescape(html.unescape(text)))
    seen = (c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c in "\n\t")
    return _INVISIBLE.sub("", "".join(seen)).translate(_ALIKE).casefold()


def forgeries(text: str) -> list[str]:
    """What in an untrusted text a careless reader would take for a tag of ours or a model's own token."""
    return _TAGS.findall(folded(text)) + _TAGS.findall(text.casefold())


def fenced(prompt: str) -> list[str]:
    """What stands inside of our delimiters."""
    return [found[2] for found in _FENCED.findall(prompt)]


def ours(value: Any) -> str:
    """What is sent, byte by byte, but for what stands inside of our delimiters."""
    return json.dumps(_emptied(value), sort_keys=True)


def _emptied(value: Any) -> Any:
    if isinstance(value, str):
        return _FENCED.sub(lambda found: f"<{found[1]}{found[2] or ''}></{found[1]}>", value)
    if isinstance(value, dict):
        return {key: _emptied(part) for key, part in value.items()}
    return [_emptied(part) for part in value] if isinstance(value, list) else value
