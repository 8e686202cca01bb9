"""The graph: what is known, from whom, and who may hear it."""

from secondme.stores.graph.client import Graph, QueryRefused

__all__ = ["Graph", "QueryRefused"]
