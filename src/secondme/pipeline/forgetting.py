"""Forgetting somebody in the graph, after the ledger has and after whoever still wrote what the ledger had."""

from secondme.domain.fact import Forgotten
from secondme.stores.graph import Graph
from secondme.stores.graph.forgetting import forget_contact
from secondme.stores.ledger import Ledger, Lock


async def forget_in_graph(ledger: Ledger, graph: Graph, contact: str) -> Forgotten:
    """Take away what the graph has of a contact whom the ledger has no more. A second time finds nothing.

    Raises StoreUnavailable; QueryRefused by a server that may not write its files anew.
    """
    async with ledger.alone(Lock.KNOWING):
        pass  # who writes from here on sees that they are gone
    return await forget_contact(graph, contact)
