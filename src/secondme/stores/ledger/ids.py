"""Ids of ours for what comes by the thousand."""

import os
import time
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as PgUUID


def new_id() -> UUID:
    """A UUID of version 7: what is new lies together in an index. Of the driver's own type, made in a moment."""
    raw = bytearray((time.time_ns() // 1_000_000).to_bytes(6) + os.urandom(10))
    raw[6], raw[8] = raw[6] & 0x0F | 0x70, raw[8] & 0x3F | 0x80
    return PgUUID(bytes(raw))
