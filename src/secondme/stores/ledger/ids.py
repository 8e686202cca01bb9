"""Ids of ours for what comes by the thousand."""

import os
import time
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as PgUUID


def new_id() -> UUID:
    """A UUID of version 7: what is new lies together in an index. Of the driver's own type, made in a moment.

    Its time goes on below the millisecond (RFC 9562, 6.2, method 3): by their ids, memory puts messages of one second,
    which is all that a provider tells, into the order in which they came.
    """
    whole, rest = divmod(time.time_ns(), 1_000_000)
    raw = bytearray(whole.to_bytes(6) + (0x7000 | rest * 4096 // 1_000_000).to_bytes(2) + os.urandom(8))
    raw[8] = raw[8] & 0x3F | 0x80
    return PgUUID(bytes(raw))
