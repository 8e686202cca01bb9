"""The models of an Ollama on this machine, asked for where nobody has named a model."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from secondme import llm
from secondme.llm.providers import PROVIDERS, ModelSpec, parse_models

PATIENCE = 0.3  # seconds: every start waits for it
_MOST_BYTES = 1_000_000
_EMBEDS_ONLY = ("embed", "bert", "minilm", "bge-")


async def first_model(environment: Mapping[str, str]) -> str | None:
    """The first of its models that can talk, None where there is none or no Ollama.

    Raises ConfigError where OLLAMA_BASE_URL is no address.
    """
    found = PROVIDERS["ollama"].base_url_variable in environment
    if not llm.wire_open and not found:
        return None
    (model,) = parse_models([ModelSpec("ollama:any")], environment)
    if not model.is_local:
        return None
    url = f"{model.base_url.removesuffix('/v1')}/api/tags"
    try:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            if answer.status != 200:
                return None
            body = await answer.content.read(_MOST_BYTES)
            while chunk := await answer.content.read(_MOST_BYTES):
                body += chunk
                if len(body) > _MOST_BYTES:
                    return None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return _first(body)


def _first(body: bytes) -> str | None:
    try:
        rows: Any = json.loads(body)["models"]
        names = [str(row["name"]) for row in rows if _talks(row)]
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        return None
    return names[0] if names else None


def _talks(row: Mapping[str, Any]) -> bool:
    """Whether a model can do more than embed."""
    family = str((row.get("details") or {}).get("family", ""))
    return not any(mark in f"{row['name']} {family}".lower() for mark in _EMBEDS_ONLY)
