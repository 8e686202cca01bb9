"""The ledger in Postgres: the truth about what happened. Plain SQL, one function a statement, a file a noun."""

from secondme.stores.ledger.pool import Connection, Ledger, Lock

__all__ = ["Connection", "Ledger", "Lock"]
