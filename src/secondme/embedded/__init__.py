"""Postgres, Redis and FalkorDB on this machine, from wheels. Who needs them first starts them.

The layout below the data directory (mode 0700):

    VERSION     who wrote it
    postgres/   a PostgreSQL cluster       redis/      a dump     falkordb/   append-only files
    run/        locks, ports and passwords    logs/    what the servers print
"""

from secondme.embedded.stores import NEEDS, Addresses, EmbeddedStores, Need, running

__all__ = ["NEEDS", "Addresses", "EmbeddedStores", "Need", "running"]
