"""`graph`, as somebody types it."""

import json
from typing import Any

from tests.cli.conftest import Instance


def test_the_schema_is_printed_without_an_instance(fresh: Instance) -> None:
    assert "CREATE CONSTRAINT ON (u:User) ASSERT u.id IS UNIQUE;" in fresh.run("graph", "schema").stdout
    assert not fresh.data_dir.exists()
    assert "Nothing has been started yet" in fresh.refused("graph", "rebuild")
    assert "Nothing has been started yet" in fresh.refused(
        "graph", "query", "recent_activity", "userId=user-1"
    )
    assert "semantic_search" in fresh.run("graph", "query").stdout
    assert fresh.gone() == []


def test_migrate_says_what_it_did(shared: Instance) -> None:
    assert "now has schema" in shared.run("graph", "migrate").stdout
    assert "already has schema" in shared.run("graph", "migrate").stdout
    assert "now has schema" in shared.run("graph", "migrate", SECONDME_EMBEDDING_DIMENSION="64").stdout
    assert "SECONDME_MODELS" in shared.refused("graph", "migrate", SECONDME_MODELS="nobody:nothing")
    assert "already has schema" in shared.run("graph", "migrate", SECONDME_EMBEDDING_DIMENSION="64").stdout


def test_the_documented_queries_answer_with_what_the_ledger_has(shared: Instance) -> None:
    shared.run("chat", "--as", "Ana", "--once", "do you have a minute?")
    assert "the owner, 1 contact and 3 personas" in shared.run("graph", "rebuild").stdout
    (ana,) = _rows(shared, "recent_activity", "userId=user-1")
    assert ana["c.name"] == "Ana" and ana["c.lastInteraction"].endswith("+00:00")
    who = f"contactId={ana['c.id']}"
    for message in ("m1", "m1", "m2"):
        topic = ("topicId=t1", "topicName=sailing", "category=Lifestyle", f"messageId={message}")
        (counted,) = _rows(shared, "topic_tracking", who, *topic)
    assert counted == {"t.id": "t1", "t.name": "sailing", "m.times": 2}
    assert _rows(shared, "contact_context", who) == [
        {
            "c.name": "Ana",
            "c.relationshipType": "acquaintance",
            "people": [],
            "topics": [{"topic": "sailing", "category": "Lifestyle", "times": 2}],
        }
    ]
    assert {row["p.id"] for row in _rows(shared, "user_preferences", "userId=user-1")} >= {"persona-casual"}
    assert _rows(shared, "semantic_search", "queryEmbedding=[0.5, 0.5]") == []


def test_what_was_typed_wrong_is_said(shared: Instance) -> None:
    assert "there are contact_context" in shared.refused("graph", "query", "contacts")
    assert "contact_context needs contactId=…" in shared.refused("graph", "query", "contact_context", "id=1")
    assert "write PARAMETER=VALUE" in shared.refused("graph", "query", "contact_context", "contactId")
    for value in ("[1,", '[{"a b": 1}]', "[NaN]"):
        said = shared.refused("graph", "query", "semantic_search", f"queryEmbedding={value}")
        assert "is no list as JSON has it" in said


def _rows(instance: Instance, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in instance.run("graph", "query", *words).stdout.splitlines()]
