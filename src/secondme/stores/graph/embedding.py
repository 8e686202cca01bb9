"""What waits for its vector, and the vectors. Learning waits for no embedder: a task catches up behind it."""

from collections.abc import Iterable, Sequence

from secondme.stores.graph.client import Graph
from secondme.stores.graph.reading import fact
from secondme.stores.graph.values import Value

_FACT = "fact_"  # how a fact's id begins


async def unembedded(graph: Graph, limit: int = 256) -> list[tuple[str, str]]:
    """Facts and entities without a vector, at most `limit`: ids, and the texts to embed.

    Costs the same however many there are with one.
    """
    facts = [(row[0], fact(row).text) for row in await graph.query("pending_facts", limit=limit)]
    entities = [(id, name) for id, name in await graph.query("pending_entities", limit=limit - len(facts))]
    return [*facts, *entities]


async def embed(graph: Graph, vectors: Iterable[tuple[str, Sequence[float]]]) -> None:
    """Give these their vectors. What has been forgotten meanwhile is passed over."""
    facts: list[Value] = []
    entities: list[Value] = []
    for id, vector in vectors:
        (facts if id.startswith(_FACT) else entities).append({"id": id, "vector": vector})
    if facts:
        await graph.query("embed_facts", rows=facts)
    if entities:
        await graph.query("embed_entities", rows=entities)
