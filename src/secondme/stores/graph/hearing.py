"""What one contact may hear: reached from them, from their groups, and from whom the owner said they are too."""

from collections.abc import Sequence

from secondme.domain.fact import Fact
from secondme.stores.graph.client import Graph
from secondme.stores.graph.phrases import OWN
from secondme.stores.graph.reading import fact
from secondme.stores.graph.shaping import words

_HIT = 0.5  # closeness by vector from which on a fact's neighbours matter
_MOST = 4_000  # facts that are compared


async def heard_by(
    graph: Graph, contact: str, said: str, vector: Sequence[float] | None = None, limit: int = 20
) -> list[Fact]:
    """The facts that this contact may hear, at most `limit`, those first that hold and are closest to what was said.

    Closeness is 1 where an entity's name stands in `said`; else the exact cosine of `vector` and the fact's own
    embedding, where there are both, and at least 0.5 for facts about what the closest facts are about. A fact that
    several sources state comes once, as last said. Of more than `_MOST` those are looked at whose entities are named
    in `said`, then the newest. Whoever told it is called as they call themselves. Raises TooSlow after 0.75 s.
    """
    rows = await graph.query(
        "heard_by",
        contact=contact,
        said=words(said),
        vector=list(vector) if vector is not None else None,
        limit=limit,
        hit=_HIT,
        own=OWN,
        most=_MOST,
    )
    return [fact(row, closeness=row[-1]) for row in rows]


async def merged_with(graph: Graph, contact: str) -> list[str]:
    """The other contacts that the owner says this one is."""
    return [row[0] for row in await graph.query("merged_with", contact=contact)]
