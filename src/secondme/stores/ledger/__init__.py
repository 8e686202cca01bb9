"""The ledger in Postgres: the truth about what happened. Plain SQL, one function a statement, a file a noun."""

from secondme.stores.ledger.pool import Connection, Ledger

__all__ = ["Connection", "Ledger"]
