"""Who offers models: one row a provider that speaks OpenAI's chat completions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from secondme.domain.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provider:
    """One row. `path` is where the API begins below a host; it is added to a base URL that has no path."""

    name: str
    origin: str | None  # None: the base URL has to be set
    path: str
    needs_key: bool
    limit: str = "max_tokens"  # what the field for the longest answer is called

    @property
    def key_variable(self) -> str:
        return f"{self.name.upper()}_API_KEY"

    @property
    def base_url_variable(self) -> str:
        return f"{self.name.upper()}_BASE_URL"


_ROWS = (
    Provider("openai", "https://api.openai.com", "/v1", needs_key=True, limit="max_completion_tokens"),
    Provider("groq", "https://api.groq.com", "/openai/v1", needs_key=True, limit="max_completion_tokens"),
    Provider("openrouter", "https://openrouter.ai", "/api/v1", needs_key=True),
    Provider("ollama", "http://127.0.0.1:11434", "/v1", needs_key=False),
    Provider("compatible", None, "/v1", needs_key=False),
)
PROVIDERS: Mapping[str, Provider] = {row.name: row for row in _ROWS}
_ACCEPTED = (
    f"SECONDME_MODELS takes exactly one PROVIDER:MODEL in this version, PROVIDER being one of "
    f"{', '.join(PROVIDERS)}; for example groq:openai/gpt-oss-20b"
)


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked. `base_url` has no slash at its end."""

    provider: Provider
    name: str
    base_url: str
    key: str | None = field(default=None, repr=False)

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


def parse_model(text: str, environment: Mapping[str, str]) -> Model:
    """Read SECONDME_MODELS; `environment` holds keys and base URLs by variable.

    Raises ConfigError naming everything that is wrong, and what is accepted.
    """
    items = [item.strip() for item in text.split(",") if item.strip()]
    if len(items) != 1:
        raise ConfigError(f"SECONDME_MODELS names {len(items)} models. {_ACCEPTED}.")
    prefix, _, name = items[0].partition(":")
    provider = PROVIDERS.get(prefix.strip().lower())
    if provider is None or not _NAME.fullmatch(name.strip()):
        raise ConfigError(f"SECONDME_MODELS cannot be read. {_ACCEPTED}.")
    key = environment.get(provider.key_variable, "").strip() or None
    base_url = _base_url(provider, environment.get(provider.base_url_variable, "").strip())
    problems = []
    if provider.needs_key and key is None:
        problems.append(f"{provider.key_variable} is missing: {provider.name} answers nobody without a key")
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        problems.append(f"{provider.key_variable} holds characters that no key has")
    if base_url is None:
        problems.append(
            f"{provider.base_url_variable} is missing or no URL; write it as https://HOST{provider.path}"
        )
    if problems or base_url is None:
        raise ConfigError("; ".join(problems) + ".")
    return Model(provider, name.strip(), base_url, key)


def _base_url(provider: Provider, given: str) -> str | None:
    """The base URL, completed by the provider's path where it names a host alone; None if unusable."""
    url = given or provider.origin
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    if not usable or parts.username or parts.password or parts.query or parts.fragment:
        return None
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or provider.path}"
