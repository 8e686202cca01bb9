"""The chain of models and the budgets in the environment and in the file."""

from pathlib import Path

import pytest

from secondme.domain.errors import ConfigError, SecondMeError
from secondme.llm.plan import Plan
from secondme.loading import load
from secondme.settings import Settings
from secondme.wiring import open_app, plan_minds

KEYS = "anthropic_api_key: k\ngroq_api_key: k\ncompatible_base_url: http://127.0.0.1:1/v1\n"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests, and no file of theirs."""
    for name, field in Settings.model_fields.items():
        monkeypatch.delenv(field.alias or name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


async def planned(text: str) -> Plan:
    Path("secondme.yaml").write_text(KEYS + text)
    return await plan_minds(load())


async def test_a_chain_in_one_line_in_the_file_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = "anthropic:claude-sonnet-4-5, groq:openai/gpt-oss-20b,"
    labels = ["anthropic:claude-sonnet-4-5", "groq:openai/gpt-oss-20b"]
    assert [m.label for m in (await planned(f"models: {chain}")).models] == labels
    monkeypatch.setenv("SECONDME_MODELS", chain)
    assert [m.label for m in (await planned("models: groq:other")).models] == labels


async def test_a_list_with_options() -> None:
    plan = await planned(
        "models:\n"
        "  - groq:a\n"
        "  - {model: 'compatible:b', temperature: 0.6, max_tokens: 300, timeout: 20s, system: false, json: object}\n"
    )
    plain, fine = plan.models
    assert (plain.temperature, plain.max_tokens, plain.timeout, plain.system) == (None, 2048, 30.0, True)
    assert (fine.temperature, fine.max_tokens, fine.timeout) == (0.6, 300, 20.0)
    assert (fine.system, fine.json_mode) == (False, "object")


async def test_what_is_wrong_in_a_list_is_named_with_its_place() -> None:
    with pytest.raises(ConfigError) as refused:
        await planned("models:\n  - {model: 'groq:a', temperature: 9}\n  - {model: 'groq:b', speed: 3}\n")
    assert "models[0].temperature: " in str(refused.value)
    assert "models[1].speed: unknown" in str(refused.value)


async def test_budgets() -> None:
    plan = await planned("models: groq:a\nbudget_contact: 20000\nbudget_day: 500_000\nbudget_then: person\n")
    assert (plan.limits.contact, plan.limits.day, plan.limits.then) == (20_000, 500_000, "person")
    assert (await planned("models: groq:a\nbudget_day: 1\n")).limits.then == "line"
    cheaper = await planned("models: groq:a\nbudget_day: 1\nbudget_model: groq:small\n")
    assert (cheaper.limits.then, cheaper.cheaper and cheaper.cheaper.label) == ("cheaper", "groq:small")


async def test_only_what_serves_is_refused_for_a_missing_key() -> None:
    """A shell that lacks a model's key must be able to stop everything."""
    Path("secondme.yaml").write_text(
        "models: groq:a\nsecondme_data_dir: data\ndatabase_url: postgresql://127.0.0.1:1/x\n"
        "redis_url: redis://127.0.0.1:1\nfalkordb_url: redis://127.0.0.1:1\n"
    )
    with pytest.raises(ConfigError, match="GROQ_API_KEY is missing"):
        await open_app(load(), serves=True)
    with pytest.raises(SecondMeError) as refused:
        await open_app(load())
    assert "GROQ_API_KEY" not in str(refused.value)
