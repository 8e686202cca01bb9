"""SECONDME_MODELS: what is accepted, and one clear message for what is not."""

import pytest

from secondme.domain.errors import ConfigError
from secondme.llm.providers import PROVIDERS, Model, parse_model

KEY = "sk-CANARY-KEY"
KEYS = {row.key_variable: KEY for row in PROVIDERS.values()}


@pytest.mark.parametrize(
    ("text", "label", "url"),
    [
        ("openai:gpt-5-mini", "openai:gpt-5-mini", "https://api.openai.com/v1"),
        ("groq:openai/gpt-oss-20b", "groq:openai/gpt-oss-20b", "https://api.groq.com/openai/v1"),
        (" OpenRouter: vendor/model:free ,", "openrouter:vendor/model:free", "https://openrouter.ai/api/v1"),
        ("ollama:llama3:8b", "ollama:llama3:8b", "http://127.0.0.1:11434/v1"),
    ],
)
def test_a_model_is_read(text: str, label: str, url: str) -> None:
    model = parse_model(text, KEYS)
    assert (model.label, model.base_url, model.key) == (label, url, KEY)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://vllm:8000", "http://vllm:8000/v1"),
        ("http://vllm:8000/", "http://vllm:8000/v1"),
        ("https://host/some/path/", "https://host/some/path"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
    ],
)
def test_a_base_url_is_completed(given: str, used: str) -> None:
    assert parse_model("compatible:m", {"COMPATIBLE_BASE_URL": given}).base_url == used


def test_the_origin_alone_gets_each_providers_own_path() -> None:
    assert parse_model("groq:m", KEYS | {"GROQ_BASE_URL": "https://api.groq.com"}).base_url.endswith(
        "/openai/v1"
    )


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("openai:a,groq:b", KEYS, "names 2 models. SECONDME_MODELS takes exactly one PROVIDER:MODEL"),
        (" , ", KEYS, "names 0 models"),
        ("gpt-5-mini", KEYS, "PROVIDER being one of openai, groq, openrouter, ollama, compatible"),
        ("anthropic:claude", KEYS, "PROVIDER being one of openai"),
        ("openai:", KEYS, "cannot be read"),
        ("openai:two words", KEYS, "cannot be read"),
        ("openai:gpt", {}, "OPENAI_API_KEY is missing"),
        ("openai:gpt", {"OPENAI_API_KEY": "  "}, "OPENAI_API_KEY is missing"),
        ("openai:gpt", {"OPENAI_API_KEY": f"{KEY}\nX: y"}, "OPENAI_API_KEY holds characters"),
        ("compatible:m", {}, "COMPATIBLE_BASE_URL is missing"),
        ("ollama:m", {"OLLAMA_BASE_URL": "localhost:11434"}, "OLLAMA_BASE_URL is missing or no URL"),
        ("ollama:m", {"OLLAMA_BASE_URL": f"http://user:{KEY}@host"}, "OLLAMA_BASE_URL is missing or no URL"),
        ("ollama:m", {"OLLAMA_BASE_URL": "http://host:99999999"}, "OLLAMA_BASE_URL is missing or no URL"),
        ("ollama:m", {"OLLAMA_BASE_URL": "file:///etc/passwd"}, "OLLAMA_BASE_URL is missing or no URL"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_model(text, environment)
    assert said in str(refused.value)
    assert KEY not in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match=r"OPENAI_API_KEY is missing.*OPENAI_BASE_URL is missing or no URL"):
        parse_model("openai:gpt", {"OPENAI_BASE_URL": "nonsense"})


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(parse_model("openai:gpt", KEYS))


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://[::1]/v1", True),
        ("http://localhost/v1", True),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://10.0.0.1/v1", False),
        ("https://api.openai.com/v1", False),
    ],
)
def test_only_this_machine_is_local(url: str, local: bool) -> None:
    assert Model(PROVIDERS["compatible"], "m", url).is_local is local
