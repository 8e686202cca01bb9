"""`models` and `models check`, as somebody types them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Instance
from tests.stubs.processes import anthropic_server, openai_server


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, Any]]:
    with openai_server() as openai, anthropic_server() as anthropic:
        yield {
            "OPENAI_BASE_URL": openai,
            "OPENAI_API_KEY": "sk-CANARY",
            "ANTHROPIC_BASE_URL": anthropic,
            "ANTHROPIC_API_KEY": "sk-CANARY",
        }


def test_the_chain_and_the_budgets_are_shown(shared: Instance, environment: dict[str, Any]) -> None:
    chain: dict[str, Any] = {
        "SECONDME_MODELS": "anthropic:ok,openai:ok",
        "SECONDME_BUDGET_DAY": "200000",
        "SECONDME_BUDGET_MODEL": "openai:small",
    }
    shown = shared.run("models", **environment, **chain).stdout
    for words in (
        "anthropic:ok",
        "openai:ok",
        "200,000 tokens",
        "openai:small, for as much again",
        "lexical",
    ):
        assert words in shown
    assert "CANARY" not in shown


def test_a_key_alone_is_not_enough_and_that_is_said(shared: Instance) -> None:
    shown = shared.run("models", OPENAI_API_KEY="sk-CANARY", SECONDME_MODELS="offline").stdout
    assert "the offline mind" in shown
    assert "OPENAI_API_KEY is set, but no model is named: set SECONDME_MODELS." in shown


def test_the_ollama_of_this_machine_is_found(shared: Instance, environment: dict[str, Any]) -> None:
    done = shared.run("models", OLLAMA_BASE_URL=environment["OPENAI_BASE_URL"])
    assert "the Ollama of this machine has one: ollama:ok answers" in done.stderr
    assert "ollama:ok" in done.stdout


def test_check_asks_each_of_them_everything(shared: Instance, environment: dict[str, Any]) -> None:
    chain: dict[str, Any] = {
        "SECONDME_MODELS": "anthropic:ok,openai:ok",
        "SECONDME_EMBEDDINGS": "openai:embed",
    }
    shown = shared.run("models", "check", **environment, **chain).stdout
    lines = [line.split()[:4] for line in shown.splitlines() if line.strip().startswith("ok")]
    assert lines == [
        ["ok", "anthropic:ok", "a", "reply"],
        ["ok", "anthropic:ok", "a", "form"],
        ["ok", "openai:ok", "a", "reply"],
        ["ok", "openai:ok", "a", "form"],
        ["ok", "openai:embed", "a", "vector"],
    ]
    assert "All of them answer." in shown


def test_check_says_what_to_do_and_exits_with_one(shared: Instance, environment: dict[str, Any]) -> None:
    chain: dict[str, Any] = {
        "SECONDME_MODELS": "openai:status-401",
        "SECONDME_EMBEDDINGS": "openai:embed-768",
    }
    shown = shared.run("models", "check", code=1, **environment, **chain).stdout
    assert "It refuses the key: correct OPENAI_API_KEY." in shown
    assert "set SECONDME_EMBEDDING_DIMENSION=768" in shown
    assert "3 answers missing." in shown
    assert "CANARY" not in shown


def test_everything_wrong_is_named_at_once(shared: Instance) -> None:
    said = shared.refused("models", SECONDME_MODELS="groq:a,anthropic:b", SECONDME_BUDGET_THEN="cheaper")
    for words in ("GROQ_API_KEY", "ANTHROPIC_API_KEY", "SECONDME_BUDGET_MODEL"):
        assert words in said
