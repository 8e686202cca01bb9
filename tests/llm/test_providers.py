"""Models in the settings: what is accepted, and one clear message for everything that is not."""

from typing import Any

import pytest

from secondme.domain.errors import ConfigError
from secondme.llm.budget import Limits
from secondme.llm.plan import Plan, Wishes, make_plan, with_ollama
from secondme.llm.providers import PROVIDERS, Model, ModelSpec, parse_models

KEY = "sk-CANARY-KEY"
KEYS = {row.key_variable: KEY for row in PROVIDERS.values()}


def parsed(text: str, environment: dict[str, str]) -> Model:
    (model,) = parse_models([ModelSpec(text)], environment)
    return model


@pytest.mark.parametrize(
    ("text", "label", "url"),
    [
        ("openai:gpt-5-mini", "openai:gpt-5-mini", "https://api.openai.com/v1"),
        ("anthropic:claude-sonnet-4-5", "anthropic:claude-sonnet-4-5", "https://api.anthropic.com"),
        ("groq:openai/gpt-oss-20b", "groq:openai/gpt-oss-20b", "https://api.groq.com/openai/v1"),
        (" OpenRouter: vendor/model:free ", "openrouter:vendor/model:free", "https://openrouter.ai/api/v1"),
        ("ollama:llama3:8b", "ollama:llama3:8b", "http://127.0.0.1:11434/v1"),
    ],
)
def test_a_model_is_read(text: str, label: str, url: str) -> None:
    model = parsed(text, KEYS)
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
    assert parsed("compatible:m", {"COMPATIBLE_BASE_URL": given}).base_url == used


def test_the_origin_alone_gets_each_providers_own_path() -> None:
    assert parsed("groq:m", KEYS | {"GROQ_BASE_URL": "https://api.groq.com"}).base_url.endswith("/openai/v1")


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("gpt-5-mini", KEYS, "PROVIDER being one of openai, anthropic, groq, openrouter, ollama, compatible"),
        ("openai:", KEYS, "cannot be read"),
        ("antropic:x", KEYS, "antropic:… names no provider, did you mean anthropic?"),
        ("openai:two words", KEYS, "cannot be read"),
        (f"{KEY}:x", KEYS, "cannot be read"),
        ("openai:gpt", {}, "OPENAI_API_KEY is missing"),
        ("anthropic:claude", {}, "ANTHROPIC_API_KEY is missing"),
        ("openai:gpt", {"OPENAI_API_KEY": "  "}, "OPENAI_API_KEY is missing"),
        ("openai:gpt", {"OPENAI_API_KEY": f"{KEY}\nX: y"}, "OPENAI_API_KEY holds characters"),
        ("compatible:m", {}, "COMPATIBLE_BASE_URL is missing"),
        ("ollama:m", {"OLLAMA_BASE_URL": "localhost:11434"}, "OLLAMA_BASE_URL must be http(s)://HOST"),
        (
            "ollama:m",
            {"OLLAMA_BASE_URL": f"http://user:{KEY}@host"},
            "OLLAMA_BASE_URL must be http(s)://HOST",
        ),
        ("ollama:m", {"OLLAMA_BASE_URL": "http://host:99999999"}, "OLLAMA_BASE_URL must be http(s)://HOST"),
        ("ollama:m", {"OLLAMA_BASE_URL": "file:///etc/passwd"}, "OLLAMA_BASE_URL must be http(s)://HOST"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parsed(text, environment)
    assert said in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_chain_keeps_its_order_and_its_options() -> None:
    specs = [
        ModelSpec("groq:b", 0.3, 100, 7.0, False, "object"),
        ModelSpec("anthropic:a"),
        ModelSpec("groq:c"),
    ]
    models = parse_models(specs, KEYS)
    assert [model.label for model in models] == ["groq:b", "anthropic:a", "groq:c"]
    first = models[0]
    assert (first.temperature, first.max_tokens, first.timeout) == (0.3, 100, 7.0)
    assert (first.system, first.json_mode) == (False, "object")


def planned(environment: dict[str, str] | None = None, **wishes: Any) -> Plan:
    return make_plan(Wishes(**wishes), KEYS if environment is None else environment)


def test_everything_wrong_is_said_at_once_and_once() -> None:
    models = [
        ModelSpec("openai:a"),
        ModelSpec("openai:b"),
        ModelSpec("nonsense"),
        ModelSpec("anthropic:c", 0.5),
    ]
    with pytest.raises(ConfigError) as refused:
        planned(
            {"OPENAI_BASE_URL": "nonsense"},
            models=models,
            limits=Limits(then="cheaper"),
            embeddings="openrouter:x",
        )
    said = str(refused.value)
    for problem in (
        "OPENAI_API_KEY is missing",
        "OPENAI_BASE_URL must be http(s)://HOST",
        "SECONDME_MODELS cannot be read",
        "ANTHROPIC_API_KEY is missing",
        "anthropic takes no temperature",
        "OPENROUTER_API_KEY is missing",
        "SECONDME_BUDGET_THEN is cheaper: name the model in SECONDME_BUDGET_MODEL",
    ):
        assert said.count(problem) == 1, problem


def test_openrouters_own_variables_are_the_chain_where_no_other_is_named() -> None:
    labels = [m.label for m in planned(primary="a/b", fallback="c/d").models]
    assert labels == ["openrouter:a/b", "openrouter:c/d"]
    named = planned(models=[ModelSpec("groq:x")], primary="a/b")
    assert [m.label for m in named.models] == ["groq:x"]
    with pytest.raises(ConfigError, match="OPENROUTER_PRIMARY_MODEL or OPENROUTER_FALLBACK_MODEL cannot"):
        planned(primary="two words")


def test_offline_and_nothing_are_no_models_but_not_the_same() -> None:
    assert (planned().models, planned().named) == ((), False)
    offline = planned({}, models=[ModelSpec("offline")])
    assert (offline.models, offline.named) == ((), True)


@pytest.mark.parametrize("wish", [None, "lexical", " Lexical "])
def test_without_embeddings_they_are_lexical(wish: str | None) -> None:
    assert planned(embeddings=wish).embeddings is None


def test_who_offers_no_embeddings_is_named() -> None:
    """And nothing else: a key would not help."""
    for wish in ("anthropic", "anthropic:claude"):
        with pytest.raises(ConfigError) as refused:
            planned({}, embeddings=wish)
        assert refused.value.problems == (
            "SECONDME_EMBEDDINGS: anthropic offers no embeddings; use another provider, or lexical.",
        )


async def test_a_local_ollama_is_found_and_its_first_model_that_talks_is_used(openai_stub: str) -> None:
    environment = {"OLLAMA_BASE_URL": openai_stub}
    found = await with_ollama(planned(environment), environment)
    assert [model.label for model in found.models] == ["ollama:ok"]
    offline = planned(environment, models=[ModelSpec("offline")])
    assert (await with_ollama(offline, environment)).models == ()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://192.0.2.1:11434"])
async def test_no_ollama_is_no_error_and_takes_no_time(url: str) -> None:
    environment = {"OLLAMA_BASE_URL": url}
    assert (await with_ollama(planned(environment), environment)).models == ()


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(parsed("openai:gpt", KEYS))


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
