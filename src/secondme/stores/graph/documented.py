"""The documented query patterns, for outside clients and the owner; prompts never read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secondme.domain.errors import Invalid, NotFound
from secondme.stores.graph.client import Graph
from secondme.stores.graph.values import Value


@dataclass(frozen=True, slots=True)
class Pattern:
    """One file of queries/: what it needs, and what each of its rows holds, in this order."""

    parameters: tuple[str, ...]
    columns: tuple[str, ...] = ()


PATTERNS: Mapping[str, Pattern] = {
    "contact_context": Pattern(("contactId",), ("c.name", "c.relationshipType", "people", "topics")),
    "contact_entities": Pattern(("contactId",), ("name", "occupation", "company", "industry", "category")),
    "persona_selection": Pattern(
        ("userId", "relationshipType"), ("p.id", "p.styleGuide", "p.tone", "p.exampleMessages")
    ),
    "person_upsert": Pattern(
        ("id", "name", "occupation", "location", "at"), ("p.id", "p.name", "p.occupation", "p.location")
    ),
    "person_known": Pattern(("contactId", "personId")),
    "topic_tracking": Pattern(
        ("contactId", "topicId", "topicName", "category", "messageId", "at"), ("t.id", "t.name", "m.times")
    ),
    "recent_activity": Pattern(("userId",), ("c.id", "c.name", "c.lastInteraction")),
    "semantic_search": Pattern(("queryEmbedding",), ("t.name", "t.category")),
    "user_preferences": Pattern(("userId",), ("p.id", "p.name", "p.styleGuide", "p.applicableTo")),
}


async def ask(graph: Graph, name: str, parameters: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Its rows by column. Raises NotFound for no such pattern, Invalid for other parameters than it has."""
    pattern = PATTERNS.get(name)
    if pattern is None:
        raise NotFound(f"No documented query is called {name}: there are {', '.join(PATTERNS)}.")
    if set(parameters) != set(pattern.parameters):
        raise Invalid(
            f"{name} needs {' '.join(f'{wanted}=…' for wanted in pattern.parameters)}, and nothing else."
        )
    rows = await graph.query(name, **parameters)
    return [dict(zip(pattern.columns, row, strict=True)) for row in rows]
