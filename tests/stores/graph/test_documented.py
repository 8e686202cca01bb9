"""The documented queries, as their files and as an outsider writes them, on one graph: the documented shapes."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import pytest_asyncio

from secondme.domain.errors import Invalid, NotFound
from secondme.domain.fact import Entity, EntityType, Gist, Learned, Predicate, Source, Statement
from secondme.profiles.personas import DEFAULT_PERSONAS
from secondme.stores.graph import Graph, documented, mirror
from secondme.stores.graph.client import load
from secondme.stores.graph.learning import learn
from secondme.stores.graph.values import header
from tests.stores.graph.conftest import DIMENSION, Outsider
from tests.stores.graph.telling import digest

NOW = datetime.now(UTC).replace(microsecond=0)
ANA, BEN, OLD = "contact-ana", "contact-ben", "contact-old"
SAILING = [1.0] + [0.0] * (DIMENSION - 1)


def away(cosine: float) -> list[float]:
    """A vector whose cosine with SAILING is this."""
    return [cosine, (1 - cosine**2) ** 0.5] + [0.0] * (DIMENSION - 2)


@pytest_asyncio.fixture
async def filled(graph: Graph) -> Graph:
    """Two people talked lately, one long ago; Ana knows two persons, one of whom works somewhere, and has topics."""
    await mirror.put_user(graph, mirror.UserNode("", "persona-casual", time(23), time(7)), NOW)
    personas = [
        mirror.PersonaNode(p.id, p.name, p.style_guide, p.tone, p.examples, p.applicable_to, NOW, NOW)
        for p in DEFAULT_PERSONAS
    ]
    await mirror.put_personas(graph, personas)
    people = [(ANA, "Ana", 1), (BEN, "Ben", 6), (OLD, "Old friend", 8)]
    await mirror.put_contacts(
        graph,
        [
            mirror.ContactNode(id_, "+15550100", name, "friend", True, None, NOW - timedelta(days=days), NOW)
            for id_, name, days in people
        ],
        NOW,
    )
    for id_, name, occupation in (("person_1", "Mara", "nurse"), ("person_2", "Tom", None)):
        await upsert(graph, id_, name, occupation)
        await documented.ask(graph, "person_known", {"contactId": ANA, "personId": id_})
    await graph.run(
        """MATCH (p:Person {id: 'person_1'})
           CREATE (p)-[:WORKS_AT]->(:Company {id: 'company_1', name: 'Acme', industry: 'Healthcare'})"""
    )
    for message, topic, category in (
        ("m1", "sailing", "Lifestyle"),
        ("m2", "tax", "Finance"),
        ("m3", "sailing", ""),
    ):
        await track(graph, ANA, topic, category or "Lifestyle", message)
    return graph


async def upsert(graph: Graph, id_: str, name: str, occupation: str | None) -> list[dict[str, Any]]:
    given = {"id": id_, "name": name, "occupation": occupation, "location": None, "at": NOW}
    return await documented.ask(graph, "person_upsert", given)


async def track(graph: Graph, contact: str, topic: str, category: str, message: str) -> int:
    """Returns how often the contact has mentioned it."""
    given: dict[str, Any] = {
        "topicId": f"topic_{topic}",
        "topicName": topic,
        "category": category,
        "messageId": message,
        "at": NOW,
    }
    (row,) = await documented.ask(graph, "topic_tracking", {"contactId": contact, **given})
    times: int = row["m.times"]
    return times


@pytest.mark.parametrize("name", documented.PATTERNS)
async def test_each_is_a_query_with_these_parameters_and_columns(graph: Graph, name: str) -> None:
    pattern = documented.PATTERNS[name]
    values: dict[str, Any] = dict.fromkeys(pattern.parameters, "x") | {"at": NOW, "queryEmbedding": SAILING}
    given = {key: values[key] for key in pattern.parameters}
    await documented.ask(graph, name, given)
    text = header(given) + load(name).text
    answer = await graph.command("GRAPH.QUERY", graph.name, text, "--compact")
    heading = answer[0] if len(answer) == 3 else []  # one that returns nothing has no heading
    assert [column for _, column in heading] == list(pattern.columns)
    with pytest.raises(Invalid, match="and nothing else"):
        await documented.ask(graph, name, {**given, "more": 1})
    with pytest.raises(Invalid, match=f"{pattern.parameters[0]}=…"):
        await documented.ask(graph, name, {})


async def test_an_unknown_one_is_said(graph: Graph) -> None:
    with pytest.raises(NotFound, match="contact_context"):
        await documented.ask(graph, "schema_indexes", {})


async def test_contact_context(filled: Graph, outsider: Outsider) -> None:
    (row,) = await documented.ask(filled, "contact_context", {"contactId": ANA})
    assert row == {
        "c.name": "Ana",
        "c.relationshipType": "friend",
        "people": [
            {"person": "Mara", "occupation": "nurse", "company": "Acme"},
            {"person": "Tom", "occupation": None, "company": None},
        ],
        "topics": [
            {"topic": "sailing", "category": "Lifestyle", "times": 2},
            {"topic": "tax", "category": "Finance", "times": 1},
        ],
    }
    (theirs,) = await outsider(
        """MATCH (c:Contact {id: $contactId})
           OPTIONAL MATCH (c)-[:KNOWS]->(p:Person)-[:WORKS_AT]->(comp:Company)
           OPTIONAL MATCH (c)-[m:MENTIONED]->(t:Topic)
           RETURN c.name, c.relationshipType,
             collect(DISTINCT {person: p.name, occupation: p.occupation, company: comp.name}) AS people,
             collect(DISTINCT {topic: t.name, category: t.category, times: m.times}) AS topics""",
        contactId=ANA,
    )
    assert theirs[:2] == ["Ana", "friend"]
    assert sorted(theirs[2], key=lambda one: str(one["person"])) == row["people"]
    assert sorted(theirs[3], key=lambda one: str(one["topic"])) == row["topics"]
    (nobody,) = await documented.ask(filled, "contact_context", {"contactId": BEN})
    assert (nobody["people"], nobody["topics"]) == ([], [])


async def test_contact_entities(filled: Graph, outsider: Outsider) -> None:
    rows = await documented.ask(filled, "contact_entities", {"contactId": ANA})
    assert [tuple(row.values()) for row in rows] == [
        ("Mara", "nurse", "Acme", "Healthcare", None),
        *[
            (name, None, None, None, category)
            for name, category in (("sailing", "Lifestyle"), ("tax", "Finance"))
        ],
    ]
    theirs = await outsider(
        """MATCH (c:Contact {id: $contactId})-[:KNOWS]->(p:Person)-[:WORKS_AT]->(comp:Company)
           RETURN p.name AS name, p.occupation AS about
           UNION
           MATCH (c:Contact {id: $contactId})-[:MENTIONED]->(t:Topic)
           RETURN t.name AS name, t.category AS about""",
        contactId=ANA,
    )
    assert sorted(theirs) == [["Mara", "nurse"], ["sailing", "Lifestyle"], ["tax", "Finance"]]


async def test_persona_selection_and_preferences(filled: Graph, outsider: Outsider) -> None:
    who = {"userId": "user-1", "relationshipType": "family"}
    (row,) = await documented.ask(filled, "persona_selection", who)
    family = DEFAULT_PERSONAS[2]
    assert list(row.values()) == [family.id, family.style_guide, family.tone, list(family.examples)]
    theirs = await outsider(
        """MATCH (u:User {id: $userId})-[:HAS_PERSONA]->(p:Persona) WHERE $relationshipType IN p.applicableTo
           RETURN p.id, p.styleGuide, p.tone, p.exampleMessages LIMIT 1""",
        **who,
    )
    assert theirs == [list(row.values())]
    preferences = await documented.ask(filled, "user_preferences", {"userId": "user-1"})
    theirs = await outsider(
        """MATCH (u:User {id: $userId})-[:HAS_PERSONA]->(p:Persona)
           RETURN p.id, p.name, p.styleGuide, p.applicableTo""",
        userId="user-1",
    )
    assert sorted(theirs) == [list(each.values()) for each in preferences]
    assert {each["p.id"] for each in preferences} == {p.id for p in DEFAULT_PERSONAS}


async def test_entity_upsert(filled: Graph, outsider: Outsider) -> None:
    again = await upsert(filled, "person_1", "Another name", "doctor")
    assert again == [{"p.id": "person_1", "p.name": "Mara", "p.occupation": "doctor", "p.location": None}]
    kept = await upsert(filled, "person_1", "Mara", None)
    assert kept == again
    theirs = await outsider(
        """MERGE (p:Person {name: $name})
           ON CREATE SET p.id = $id, p.createdAt = localdatetime(), p.lastMentioned = localdatetime()
           ON MATCH SET p.lastMentioned = localdatetime()
           SET p.occupation = COALESCE($occupation, p.occupation), p.location = COALESCE($location, p.location)
           RETURN p""",
        name="Mara",
        id="person_9",
        occupation=None,
        location="Lisbon",
    )
    assert {name: theirs[0][0].properties[name] for name in ("id", "name", "occupation", "location")} == {
        "id": "person_1",
        "name": "Mara",
        "occupation": "doctor",
        "location": "Lisbon",
    }
    await documented.ask(filled, "person_known", {"contactId": ANA, "personId": "person_1"})
    assert await outsider("MATCH (:Contact {id: $id})-[k:KNOWS]->(:Person) RETURN count(k)", id=ANA) == [[2]]


async def test_times_count_messages_and_not_deliveries(filled: Graph, outsider: Outsider) -> None:
    for _ in range(3):
        assert await track(filled, ANA, "sailing", "Lifestyle", "m3") == 2
    assert await track(filled, ANA, "sailing", "Lifestyle", "m4") == 3
    assert await track(filled, BEN, "sailing", "Lifestyle", "m5") == 1
    found = await outsider(
        "MATCH (c:Contact)-[m:MENTIONED]->(t:Topic {name: 'sailing'}) RETURN c.id, m.times"
    )
    assert sorted(found) == [[ANA, 3], [BEN, 1]]
    assert await outsider("MATCH (t:Topic {name: 'sailing'}) RETURN count(t)") == [[1]]


async def test_recent_activity(filled: Graph, outsider: Outsider) -> None:
    rows = await documented.ask(filled, "recent_activity", {"userId": "user-1"})
    assert rows == [
        {"c.id": id_, "c.name": name, "c.lastInteraction": NOW - timedelta(days=days)}
        for id_, name, days in ((ANA, "Ana", 1), (BEN, "Ben", 6))
    ]
    theirs = await outsider(
        """MATCH (u:User {id: $userId})-[:HAS_CONTACT]->(c:Contact)
           WHERE c.lastInteraction > localdatetime() - duration('P7D')
           RETURN c.id, c.name, c.lastInteraction ORDER BY c.lastInteraction DESC LIMIT 10""",
        userId="user-1",
    )
    assert theirs == [list(row.values()) for row in rows]


async def test_semantic_search(filled: Graph, outsider: Outsider) -> None:
    for name, cosine in (("sails", 0.99), ("boats", 0.86), ("cars", 0.84), ("tax law", 0.0)):
        await filled.run(
            "CREATE (:Topic {id: $name, name: $name, category: 'Other', embedding: vecf32($vector)})",
            name=name,
            vector=away(cosine),
        )
    rows = await documented.ask(filled, "semantic_search", {"queryEmbedding": SAILING})
    assert rows == [{"t.name": name, "t.category": "Other"} for name in ("sails", "boats")]
    theirs = await outsider(
        """MATCH (t:Topic) WHERE 1 - vec.cosineDistance(t.embedding, vecf32($queryEmbedding)) > 0.85
           RETURN t.name, t.category LIMIT 5""",
        queryEmbedding=SAILING,
    )
    assert sorted(theirs) == sorted(list(row.values()) for row in rows)


async def test_they_answer_with_what_was_learned(filled: Graph, outsider: Outsider) -> None:
    """Ben says where Mara works, twice over, what she does, and what he likes."""
    mara = Entity(EntityType.PERSON, "Mara")
    works = Statement(Predicate.WORKS_AT, mara, Entity(EntityType.COMPANY, "Initech"))
    job = Statement(Predicate.OCCUPATION, mara, value="engineer")
    chess = Entity(EntityType.TOPIC, "chess", category="Entertainment")
    heard = [
        Learned(Source(f"b{at}", BEN, BEN, NOW + timedelta(minutes=at)), Gist((chess,), (works, job)))
        for at in (1, 2, 2, 1)
    ]
    for _ in range(2):
        await learn(filled, digest, heard)
    (row,) = await documented.ask(filled, "contact_context", {"contactId": BEN})
    assert row["people"] == [{"person": "Mara", "occupation": "engineer", "company": "Initech"}]
    assert row["topics"] == [{"topic": "chess", "category": "Entertainment", "times": 2}]
    rows = await documented.ask(filled, "contact_entities", {"contactId": BEN})
    assert [(one["name"], one["company"], one["category"]) for one in rows] == [
        ("Mara", "Initech", None),
        ("chess", None, "Entertainment"),
    ]
    theirs = await outsider(
        """MATCH (c:Contact {id: $id})-[m:MENTIONED]->(n) RETURN n.name, labels(n), m.times, m.lastMentioned
           ORDER BY n.name""",
        id=BEN,
    )
    assert [(name, set(labels), times) for name, labels, times, _ in theirs] == [
        ("Initech", {"Company", "Entity"}, 2),
        ("Mara", {"Person", "Entity"}, 2),
        ("chess", {"Topic", "Entity"}, 2),
    ]
    assert {last for *_, last in theirs} == {NOW + timedelta(minutes=2)}
