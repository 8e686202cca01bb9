"""A program of the owner's, with FalkorDB's own client, on a graph that `secondme import` and the worker have filled.

Once on the embedded FalkorDB, found as docs/memory.md says, once on a server that it has set up with `graph schema`.
"""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from falkordb import FalkorDB  # type: ignore[import-untyped]

from secondme.embedded import EmbeddedStores
from tests.cli.conftest import LENA, ROOT, Instance, an_instance

QUERIES = ROOT / "src/secondme/stores/graph/queries"
MARA = """
my friend Carla works at Siemens
Carla is a nurse
my brother Jonas works at Deutsche Bahn
we talked about #sailing again
#sailing is all I think of, and #tax
"""
LENAS = """
I attended the Hamburg Marathon
"""
CLIMBERS = """
Tom Okafor: my colleague Rui works at Bosch
Lena Brandt: nice
Mara Ruiz: #climbing on saturday?
Tom Okafor: yes, #climbing it is
"""


@dataclass
class Outside:
    """What an outsider has: the client's graph, the pages, and the ids that `secondme contacts` prints."""

    instance: Instance
    graph: Any
    contacts: dict[str, str]

    def asked(self, name: str, /, **given: Any) -> tuple[list[str], list[list[Any]]]:
        """A documented query's columns and rows, word for word as its file has it."""
        answer = self.graph.query((QUERIES / f"{name}.cypher").read_text(), given)
        return [column for _, column in answer.header], answer.result_set

    def all(self) -> set[str]:
        """The whole graph with its indexes, but for when the worker last repeated what the ledger has."""
        texts = (
            "MATCH (n) WHERE NOT n:Migration RETURN labels(n), properties(n)",
            "MATCH (n:Migration) RETURN n.id",
            "MATCH (a)-[r]->(b) RETURN a.id, type(r), properties(r), b.id",
            "CALL db.indexes() YIELD label, types, options RETURN label, types, options",
            "CALL db.constraints() YIELD type, label, properties, status RETURN type, label, properties, status",
        )
        return {_plain(row) for text in texts for row in self.graph.query(text).result_set}


def _plain(row: list[Any]) -> str:
    for cell in row:
        if isinstance(cell, dict):
            cell.pop("updatedAt", None)
    return json.dumps(row, default=str, sort_keys=True)


def documented() -> dict[str, list[str]]:
    """Columns by query, as docs/memory.md has them."""
    section = (ROOT / "docs/memory.md").read_text().split("## The documented queries")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) ?\|$", section, re.MULTILINE)
    return {
        name: [column.strip() for column in columns.split(",") if column.strip()] for name, columns in rows
    }


def exported(instance: Instance) -> tuple[str, str]:
    """A long chat with Mara, to which a few lines are added that say something, and a group's."""
    long, group = (instance.home / f"WhatsApp Chat with {name}.txt" for name in ("Mara Ruiz", "Climbers"))
    said = [f"Mara Ruiz: {line}" for line in MARA.strip().splitlines()]
    said += [f"Lena Brandt: {line}" for line in LENAS.strip().splitlines()]
    long.write_text(
        LENA.read_text() + "".join(f"03/08/2026, 09:{n:02} - {line}\n" for n, line in enumerate(said))
    )
    lines = CLIMBERS.strip().splitlines()
    filler = [f"Lena Brandt: so that is number {n} then" for n in range(12)]
    group.write_text("".join(f"14/08/2026, 09:{n:02} - {line}\n" for n, line in enumerate([*filler, *lines])))
    return str(long), str(group)


def embedded(instance: Instance) -> Any:
    """As docs/memory.md tells: port and password stand in run/stores.json."""
    found = json.loads((instance.data_dir / "run" / "stores.json").read_text())["falkordb"]
    return FalkorDB(host="127.0.0.1", port=found["port"], password=found["password"]).select_graph("secondme")


@contextmanager
def of_their_own(instance: Instance) -> Iterator[Any]:
    """A bare FalkorDB, set up by what `graph schema` prints and nothing else, that the instance is told to use."""
    with tempfile.TemporaryDirectory(prefix="secondme-bare-") as folder:
        stores = asyncio.run(EmbeddedStores.attach(Path(folder), need={"falkordb"}))
        try:
            url = stores.addresses.falkordb_url or ""
            graph = FalkorDB.from_url(url).select_graph("secondme")
            schema = instance.run("graph", "schema").stdout.replace("1536", "512")
            plain = "\n".join(line for line in schema.splitlines() if not line.startswith("//"))
            for statement in filter(None, map(str.strip, plain.split(";"))):
                set_up(graph, statement)
            instance.env["FALKORDB_URL"] = url
            yield graph
        finally:
            asyncio.run(stores.detach())


def set_up(graph: Any, statement: str) -> None:
    """As the head of the file says it of constraints."""
    found = re.fullmatch(r"CREATE CONSTRAINT ON \(\w+:(\w+)\) ASSERT \w+\.(\w+) IS UNIQUE", statement)
    if found:
        graph.query("CREATE INDEX ON :{}({})".format(*found.groups()))
        graph.create_node_unique_constraint(found[1], found[2])
    else:
        graph.query(statement)


@pytest.fixture(scope="module", params=["embedded", "their own"])
def outside(request: pytest.FixtureRequest) -> Iterator[Outside]:
    with an_instance() as instance:
        if request.param == "embedded":
            with filled(instance):
                yield known_to(instance, embedded(instance))
        else:
            with of_their_own(instance) as graph, filled(instance):
                yield known_to(instance, graph)


@contextmanager
def filled(instance: Instance) -> Iterator[None]:
    """Mara has written lately; her chat and the group's are imported while the worker runs."""
    instance.run("chat", "--as", "Mara Ruiz", "--once", "hello")
    long, group = exported(instance)
    with instance.start("graph-worker") as worker:
        worker.until("graph-worker is ready")
        me = ("--me", "Lena Brandt", "--no-model")
        said = instance.run("import", long, *me, "--with", "Mara Ruiz", "--relationship", "friend").stdout
        assert "Remembered: 1," in said
        assert "Remembered: 16 messages" in instance.run("import", group, *me).stdout
        yield
        assert worker.stop() == 0


def known_to(instance: Instance, graph: Any) -> Outside:
    rows = instance.json("contacts", "--json")
    found = Outside(instance, graph, {row["name"]: row["id"] for row in rows if not row["imported"]})
    found.contacts |= {f"{row['name']} of the group": row["id"] for row in rows if row["imported"]}
    until(lambda: not graph.query("MATCH (t:Topic) WHERE t.embedding IS NULL RETURN t").result_set)
    until(lambda: found.asked("recent_activity", userId="user-1")[1])
    return found


def until(done: Callable[[], Any]) -> None:
    """What the worker does behind the import: vectors, and what it repeats of the ledger."""
    ends = time.monotonic() + 20
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_contact_context(outside: Outside) -> None:
    columns, rows = outside.asked("contact_context", contactId=outside.contacts["Mara Ruiz"])
    assert columns == documented()["contact_context"]
    ((name, relationship, people, topics),) = rows
    assert (name, relationship) == ("Mara Ruiz", "friend")
    assert {"person": "Carla", "occupation": "nurse", "company": "Siemens"} in people
    assert {"person": "Jonas", "occupation": None, "company": "Deutsche Bahn"} in people
    assert [topics[0][key] for key in ("topic", "times")] == ["sailing", 2]
    assert all(set(one) == {"person", "occupation", "company"} for one in people)
    assert {(type(one["times"]), type(one["category"])) for one in topics} == {(int, str)}


def test_contact_context_of_somebody_in_a_group(outside: Outside) -> None:
    _, rows = outside.asked("contact_context", contactId=outside.contacts["Tom Okafor of the group"])
    ((name, relationship, people, topics),) = rows
    assert (name, relationship) == ("Tom Okafor", "acquaintance")
    assert people == [{"person": "Rui", "occupation": None, "company": "Bosch"}]
    assert [(one["topic"], one["times"]) for one in topics] == [("climbing", 1)]


def test_contact_entities(outside: Outside) -> None:
    columns, rows = outside.asked("contact_entities", contactId=outside.contacts["Mara Ruiz"])
    assert columns == documented()["contact_entities"]
    assert ["Carla", "nurse", "Siemens", None, None] in rows
    topics = [row for row in rows if row[2] is None]
    assert len(topics) <= 10 and {type(category) for *_, category in topics} == {str}
    assert {name for name, *_ in topics} >= {"sailing", "tax"}


def test_persona_selection_and_preferences(outside: Outside) -> None:
    who = {"userId": "user-1", "relationshipType": "friend"}
    columns, ((id, guide, tone, examples),) = outside.asked("persona_selection", **who)
    assert columns == documented()["persona_selection"]
    assert id == "persona-own-friend" and 100 <= len(guide) <= 10_000 and isinstance(tone, str)
    assert 3 <= len(examples) <= 20 and {type(one) for one in examples} == {str}
    columns, rows = outside.asked("user_preferences", userId="user-1")
    assert columns == documented()["user_preferences"]
    assert {"persona-own", "persona-own-friend", "persona-family"} <= {row[0] for row in rows}
    assert all(isinstance(name, str) and isinstance(kinds, list) for _, name, _, kinds in rows)


def test_recent_activity(outside: Outside) -> None:
    columns, rows = outside.asked("recent_activity", userId="user-1")
    assert columns == documented()["recent_activity"]
    ((id, name, at),) = rows
    assert (id, name) == (outside.contacts["Mara Ruiz"], "Mara Ruiz")
    assert timedelta(0) <= datetime.now(UTC) - at.replace(tzinfo=UTC) < timedelta(minutes=10)


def test_semantic_search(outside: Outside) -> None:
    ((vector,),) = outside.graph.query("MATCH (t:Topic {name: 'sailing'}) RETURN t.embedding").result_set
    assert len(vector) == 512
    columns, rows = outside.asked("semantic_search", queryEmbedding=vector)
    assert columns == documented()["semantic_search"]
    assert [name for name, _ in rows] == ["sailing"]
    assert outside.asked("semantic_search", queryEmbedding=[1.0, *[0.0] * 511])[1] == []


def test_what_the_owner_attended(outside: Outside) -> None:
    rows = outside.graph.query("MATCH (:User {id: 'user-1'})-[:ATTENDED]->(e:Event) RETURN e.name").result_set
    assert rows == [["Hamburg Marathon"]]


def test_entity_upsert_and_topic_tracking(outside: Outside) -> None:
    """These write, so they come after what reads. An outsider's ids are their own."""
    mara, now = outside.contacts["Mara Ruiz"], datetime.now(UTC).isoformat(timespec="seconds")[:19]
    them = {"id": "person_zoe", "name": "Zoe", "occupation": "baker", "location": None, "at": now}
    columns, rows = outside.asked("person_upsert", **them)
    assert (columns, rows) == (documented()["person_upsert"], [["person_zoe", "Zoe", "baker", None]])
    assert outside.asked("person_known", contactId=mara, personId="person_zoe") == ([], [])
    ((_, _, people, _),) = outside.asked("contact_context", contactId=mara)[1]
    assert {"person": "Zoe", "occupation": "baker", "company": None} in people
    topic = {
        "contactId": mara,
        "topicId": "topic_bread",
        "topicName": "bread",
        "category": "Lifestyle",
        "at": now,
    }
    for message, times in (("m1", 1), ("m1", 1), ("m2", 2)):
        columns, rows = outside.asked("topic_tracking", **topic, messageId=message)
        assert (columns, rows) == (documented()["topic_tracking"], [["topic_bread", "bread", times]])


def test_by_hand_it_is_the_same(outside: Outside) -> None:
    """`secondme graph query`, for who has no client."""
    mara = outside.contacts["Mara Ruiz"]
    for name, given in (("contact_context", {"contactId": mara}), ("user_preferences", {"userId": "user-1"})):
        words = [f"{key}={value}" for key, value in given.items()]
        printed = outside.instance.run("graph", "query", name, *words).stdout.splitlines()
        columns, rows = outside.asked(name, **given)
        assert [json.loads(line) for line in printed] == [
            dict(zip(columns, row, strict=True)) for row in rows
        ]


def test_migrating_changes_nothing_of_it(outside: Outside) -> None:
    """Twice; and again from the version before, without its indexes and what tells of it."""
    until(lambda: not outside.graph.query("MATCH (n {pending: true}) RETURN n").result_set)
    before = outside.all()
    for _ in range(2):
        assert "already has schema" in outside.instance.run("graph", "migrate").stdout
    assert outside.all() ^ before == set()
    outside.graph.query("MATCH (m:Migration {id: '0003'}) DELETE m")
    outside.graph.query("DROP INDEX ON :Fact(subject)")
    outside.instance.run("graph", "migrate")  # unless the worker, which looks all the time, was there before
    assert outside.all() ^ before == set()
