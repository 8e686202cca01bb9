"""Everything that can be set, and what may stand there. loading.py reads it, meaning.py says what it means."""

import json
import re
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

ProfileName = Literal["clone", "support", "journal"]
ChannelName = Literal["simulator", "whatsapp_cloud"]  # MSG91 and linked devices come in later versions
PerSecond = Annotated[int, Field(ge=1, le=1000)]  # 1,000 is the most that Meta grants a number
Port = Annotated[int, Field(ge=1, le=65_535)]
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_PROVIDERS = ("anthropic", "openai", "groq", "openrouter", "ollama", "compatible")
_LONGEST = 36_500 * 86_400  # seconds; dates that far from now can still be reckoned with


def parse_duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h`, `1h30m`, `7d`; a bare number is seconds. Raises ValueError."""
    text = text.strip().lower()
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|min|s|m|h|d)", text, re.ASCII)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text, re.ASCII):
        parts = [(text, "s")]
    elif not parts or "".join(n + u for n, u in parts) != text.replace(" ", ""):
        raise ValueError(f"{text!r} is no length of time; write it as 90s, 10m, 2h or 7d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise ValueError("a length of time is at most 100 years")
    return timedelta(seconds=seconds)


class AccountSettings(BaseModel):
    """One number on one channel, served by one profile."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    channel: ChannelName = "simulator"
    profile: ProfileName = "clone"
    phone_number_id: str | None = None  # these on Meta's API, in place of the variables WHATSAPP_…
    permanent_token: str | None = None
    verify_token: str | None = None
    app_secret: str | None = None
    business_account_id: str | None = None
    messages_per_second: PerSecond | None = None


class ModelSettings(BaseModel):
    """One model of the chain: `PROVIDER:MODEL`, and how to ask it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    model: str
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int = Field(2048, ge=16, le=100_000)
    timeout: timedelta = Field(timedelta(seconds=30), gt=timedelta(0), le=timedelta(minutes=5))
    system: bool = True
    json_mode: Literal["schema", "object", "prompt"] | None = Field(None, alias="json")

    @field_validator("timeout", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return parse_duration(str(value)) if isinstance(value, str | int | float) else value


class QuietHoursSettings(BaseModel):
    """`23:00-07:00`, optionally followed by `skip`: hold what arrives until the morning, or leave it unanswered."""

    model_config = ConfigDict(extra="forbid")
    start: time
    end: time
    skip: bool = False


class Settings(BaseModel):
    """Everything that can be set. Names in the environment are the field names or aliases, in capitals."""

    model_config = ConfigDict(populate_by_name=True)

    database_url: str | None = None
    redis_url: str | None = None
    redis_host: str | None = None
    redis_port: Port = 6379
    falkordb_url: str | None = None
    falkordb_host: str | None = None
    falkordb_port: Port = 6379
    falkordb_password: str | None = None
    data_dir: Path = Field(Path(".secondme"), alias="SECONDME_DATA_DIR")
    secret_key: str | None = Field(None, alias="SECONDME_SECRET_KEY")

    profile: ProfileName = Field("clone", alias="SECONDME_PROFILE")
    channel: ChannelName = Field("simulator", alias="SECONDME_CHANNEL")
    accounts: list[AccountSettings] = Field(default_factory=list)
    new_contacts: Literal["enabled", "disabled"] | None = Field(None, alias="SECONDME_NEW_CONTACTS")
    pacing: Literal["human", "none"] = Field("human", alias="SECONDME_PACING")
    debounce: timedelta | None = Field(None, alias="SECONDME_DEBOUNCE")
    rate_limit: int | None = Field(None, alias="SECONDME_RATE_LIMIT", ge=0)
    quiet_hours: QuietHoursSettings | None = Field(None, alias="SECONDME_QUIET_HOURS")
    timezone: ZoneInfo = Field(ZoneInfo("UTC"), alias="SECONDME_TIMEZONE")
    answer_within: timedelta | None = Field(None, alias="SECONDME_ANSWER_WITHIN")
    quote_after: timedelta | None = Field(None, alias="SECONDME_QUOTE_AFTER")
    quote_behind: int | None = Field(None, alias="SECONDME_QUOTE_BEHIND", ge=0, le=1_000_000)
    retention: timedelta = Field(timedelta(days=90), alias="SECONDME_RETENTION")
    models: list[ModelSettings] = Field(default_factory=list, alias="SECONDME_MODELS")
    openrouter_primary_model: str | None = None
    openrouter_fallback_model: str | None = None
    budget_contact: int | None = Field(None, alias="SECONDME_BUDGET_CONTACT", ge=0)
    budget_day: int | None = Field(None, alias="SECONDME_BUDGET_DAY", ge=0)
    budget_then: Literal["cheaper", "line", "silence", "person"] | None = Field(
        None, alias="SECONDME_BUDGET_THEN"
    )
    budget_model: str | None = Field(None, alias="SECONDME_BUDGET_MODEL")
    embeddings: str | None = Field(None, alias="SECONDME_EMBEDDINGS")
    embedding_dimension: int | None = Field(None, alias="SECONDME_EMBEDDING_DIMENSION", ge=8, le=8192)
    extraction: Literal["model", "rules"] = Field("model", alias="SECONDME_EXTRACTION")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="SECONDME_LOG_LEVEL")

    gateway_port: Port = 3001
    orchestrator_port: Port = 3002
    graph_worker_port: Port = 3003
    dashboard_port: Port = 3000
    simulator_api_base_url: str | None = None

    whatsapp_phone_number_id: str | None = Field(None, coerce_numbers_to_str=True)
    whatsapp_permanent_token: str | None = None
    whatsapp_verify_token: str | None = None
    whatsapp_app_secret: str | None = None
    whatsapp_api_base_url: str | None = None
    whatsapp_business_account_id: str | None = Field(None, coerce_numbers_to_str=True)
    whatsapp_messages_per_second: PerSecond = 80

    anthropic_api_key: str | None = None
    anthropic_base_url: str | None = None
    openai_api_key: str | None = None
    openai_base_url: str | None = None
    openrouter_api_key: str | None = None
    openrouter_base_url: str | None = None
    groq_api_key: str | None = None
    groq_base_url: str | None = None
    compatible_api_key: str | None = None
    compatible_base_url: str | None = None
    ollama_api_key: str | None = None
    ollama_base_url: str | None = None

    @property
    def providers(self) -> dict[str, str]:
        """Keys and base URLs of model providers by their documented variables, as far as they are set."""
        names = [f"{provider}_{what}" for provider in _PROVIDERS for what in ("api_key", "base_url")]
        return {name.upper(): value for name in names if (value := getattr(self, name))}

    @field_validator("debounce", "answer_within", "quote_after", "retention", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return parse_duration(str(value)) if isinstance(value, str | int | float) else value

    @field_validator("models", mode="before")
    @classmethod
    def _chain(cls, value: Any) -> Any:
        """A chain separated by commas, or a list whose items are texts or mappings."""
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list):
            return value
        texts = [item.strip() if isinstance(item, str) else item for item in items]
        return [{"model": item} if isinstance(item, str) else item for item in texts if item]

    @field_validator("timezone", mode="before")
    @classmethod
    def _zone(cls, value: Any) -> Any:
        try:
            return ZoneInfo(value) if isinstance(value, str) else value
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone; use a name such as Europe/Berlin") from error

    @field_validator("quiet_hours", mode="before")
    @classmethod
    def _quiet(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})(\s+skip)?", value.strip(), re.ASCII)
        if not found:
            raise ValueError(f"{value!r} must look like 23:00-07:00, optionally followed by skip")
        start, end = (f"{found.group(part):0>5}" for part in (1, 2))
        return QuietHoursSettings(
            start=time.fromisoformat(start), end=time.fromisoformat(end), skip=bool(found.group(3))
        )

    @field_validator("accounts", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        """A variable holds it as JSON."""
        try:
            return json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            raise ValueError(
                "this is no JSON list; accounts are easier to write into secondme.yaml"
            ) from None

    @field_validator("accounts")
    @classmethod
    def _unique(cls, accounts: list[AccountSettings]) -> list[AccountSettings]:
        ids = [account.id for account in accounts]
        if len(ids) != len(set(ids)):
            raise ValueError("every account needs an id of its own")
        return accounts

    @property
    def redis_address(self) -> str | None:
        """REDIS_URL, or one made of REDIS_HOST and REDIS_PORT."""
        return self.redis_url or (f"redis://{self.redis_host}:{self.redis_port}" if self.redis_host else None)

    @property
    def falkordb_address(self) -> str | None:
        """FALKORDB_URL, or one made of FALKORDB_HOST, FALKORDB_PORT and FALKORDB_PASSWORD."""
        if self.falkordb_url or not self.falkordb_host:
            return self.falkordb_url
        password = f":{self.falkordb_password}@" if self.falkordb_password else ""
        return f"redis://{password}{self.falkordb_host}:{self.falkordb_port}"

    @property
    def all_accounts(self) -> list[AccountSettings]:
        """The accounts named, else one called `main`; on the simulator also a phone for each other profile."""
        if self.accounts:
            return self.accounts
        main = AccountSettings(id="main", channel=self.channel, profile=self.profile)
        if self.channel != "simulator":
            return [main]
        others: tuple[ProfileName, ...] = ("clone", "support", "journal")
        return [main, *(AccountSettings(id=name, profile=name) for name in others if name != self.profile)]


def variable(field: str) -> str:
    """What the setting of this field is called in the environment."""
    return Settings.model_fields[field].alias or field.upper()


def schema() -> dict[str, Any]:
    """The JSON schema of `secondme.yaml`."""
    return Settings.model_json_schema(mode="serialization")
