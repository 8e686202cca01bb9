"""Who offers models, one row a provider, and what the settings say of each model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from secondme.domain.errors import ConfigError
from secondme.domain.url import FORM, base_url

TIMEOUT = 30.0  # seconds for one answer
MOST_TOKENS = 2048  # of one answer, its reasoning included: what a contact can make us pay for
JsonMode = Literal["schema", "object", "prompt"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provider:
    """One row. `path` is where the API begins below a host; it is added to a base URL that has no path."""

    name: str
    origin: str | None  # None: the base URL has to be set
    path: str
    needs_key: bool
    wire: Literal["openai", "anthropic"] = "openai"
    limit: str = "max_tokens"  # what the field for the longest answer is called
    headers: Mapping[str, str] = field(default_factory=dict)
    takes_temperature: bool = True
    embeds: bool = True

    @property
    def key_variable(self) -> str:
        return f"{self.name.upper()}_API_KEY"

    @property
    def base_url_variable(self) -> str:
        return f"{self.name.upper()}_BASE_URL"


_ROWS = (
    Provider("openai", "https://api.openai.com", "/v1", needs_key=True, limit="max_completion_tokens"),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        "",
        needs_key=True,
        wire="anthropic",
        takes_temperature=False,  # its SDK knows no such field any more
        embeds=False,
    ),
    Provider(
        "groq",
        "https://api.groq.com",
        "/openai/v1",
        needs_key=True,
        limit="max_completion_tokens",
        embeds=False,
    ),
    Provider(
        "openrouter",
        "https://openrouter.ai",
        "/api/v1",
        needs_key=True,
        # How OpenRouter lists who asks; an instance has no public address to give.
        headers={"HTTP-Referer": "http://localhost", "X-Title": "SecondMe"},
    ),
    Provider("ollama", "http://127.0.0.1:11434", "/v1", needs_key=False),
    Provider("compatible", None, "/v1", needs_key=False),
)
PROVIDERS: Mapping[str, Provider] = {row.name: row for row in _ROWS}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What the settings say of one model: `PROVIDER:MODEL` and how to ask it."""

    model: str
    temperature: float | None = None  # None: the provider's own
    max_tokens: int = MOST_TOKENS
    timeout: float = TIMEOUT
    system: bool = True  # False: it takes no system message
    json_mode: JsonMode | None = None  # None: what the provider has


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked. `base_url` has no slash at its end."""

    provider: Provider
    name: str
    base_url: str
    key: str | None = field(default=None, repr=False)
    temperature: float | None = None
    max_tokens: int = MOST_TOKENS
    timeout: float = TIMEOUT
    system: bool = True
    json_mode: JsonMode | None = None

    @property
    def label(self) -> str:
        return f"{self.provider.name}:{self.name}"

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine by its address, not by what a name server may say."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_models(
    specs: Sequence[ModelSpec], environment: Mapping[str, str], *, setting: str = "SECONDME_MODELS"
) -> list[Model]:
    """The models that `setting` names; `environment` holds keys and base URLs by variable.

    Raises ConfigError naming everything that is wrong with all of them, and what is accepted.
    """
    models: list[Model] = []
    problems: list[str] = []
    for spec in specs:
        found = _parsed(spec, environment, setting, len(specs) == 1)
        if isinstance(found, Model):
            models.append(found)
        else:
            problems += [problem for problem in found if problem not in problems]
    if problems:
        raise ConfigError(*(f"{problem}." for problem in problems))
    return models


def _parsed(spec: ModelSpec, environment: Mapping[str, str], setting: str, alone: bool) -> Model | list[str]:
    prefix, _, name = (part.strip() for part in spec.model.partition(":"))
    provider = PROVIDERS.get(prefix.lower())
    if provider is None or not _NAME.fullmatch(name):
        # What cannot be read may be a key that was put in the wrong place: it is not repeated.
        which = "" if alone else f"{prefix.lower()}: " if provider else ""
        near = [] if provider else get_close_matches(prefix.lower(), PROVIDERS, 1, 0.7)
        if near:  # so near to a provider's name that it is no key
            which = f"{prefix}:… names no provider, did you mean {near[0]}? "
        return [
            f"{setting} cannot be read: {which}each model is PROVIDER:MODEL, PROVIDER being one of"
            f" {', '.join(PROVIDERS)}; for example groq:openai/gpt-oss-20b"
        ]
    key = environment.get(provider.key_variable, "").strip() or None
    given = environment.get(provider.base_url_variable, "").strip()
    url = _completed(provider, given)
    problems = []
    if provider.needs_key and key is None:
        problems.append(f"{provider.key_variable} is missing: {provider.name} answers nobody without a key")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        problems.append(f"{provider.key_variable} holds characters that no key has")
    if url is None:
        lacks = f"must be {FORM}" if given else "is missing"
        problems.append(f"{provider.base_url_variable} {lacks}; write it as https://HOST{provider.path}")
    if spec.temperature is not None and not provider.takes_temperature:
        problems.append(f"{setting}: {provider.name} takes no temperature; leave it out")
    if problems or url is None:
        return problems
    return Model(
        provider,
        name,
        url,
        key,
        spec.temperature,
        spec.max_tokens,
        spec.timeout,
        spec.system,
        spec.json_mode,
    )


def _completed(provider: Provider, given: str) -> str | None:
    """The base URL, completed by the provider's path where it names a host alone; None if unusable."""
    url = given or provider.origin
    parts = base_url(url) if url is not None else None
    if parts is None:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or provider.path}"
