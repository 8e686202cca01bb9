"""New messages: their rows and what they make due, in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from secondme.stores.ledger import arrivals, due
from secondme.stores.ledger.arrivals import Arrival
from secondme.stores.ledger.pool import Connection

# The function of migration 0015: it locks the conversations in id order, writes what is new, and makes it due.
_WRITE = "SELECT fresh, early, stirred FROM write_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a run: the ids that are new, whose edits or deletions came first, and what ended by it."""

    fresh: set[UUID]
    early: set[UUID]
    ended: list[due.Receipt]


async def write(tx: Connection, run: Sequence[Arrival], now: datetime) -> Written:
    """Write what is not yet known and make its conversations due, sending back what a burst sends back.

    Raises ForeignKeyViolationError where a conversation is no more.
    """
    row = await tx.fetchrow(_WRITE, None, now, *_columns(run))
    assert row is not None
    fresh, stirred = set(row["fresh"]), set(row["stirred"])
    again = [a for a in run if a.id in fresh and a.whom.conversation_id in stirred]
    ended = await arrivals.became_due(tx, again, now) if again else []
    return Written(fresh, set(row["early"]), ended)


async def write_alone(
    connection: Connection, run: Sequence[Arrival], now: datetime, moved: int
) -> set[UUID] | None:
    """The same as a transaction of its own, where that is all: the ids that are new.

    None, and nothing is written, where it takes more: somebody was erased, a number has moved since `moved`, something
    is sent back, an edit came first, a conversation is no more.
    """
    row = await connection.fetchrow(_WRITE, moved, now, *_columns(run))
    return None if row is None else set(row["fresh"])


def _columns(run: Sequence[Arrival]) -> Sequence[Sequence[object]]:
    *columns, quotes = zip(*map(_row, run), strict=True)
    return [*columns, quotes if any(quotes) else ()]  # what is absent is NULL, and costs nothing


def _row(a: Arrival) -> tuple[object, ...]:
    item, kept = a.item, arrivals.sealed(a)
    return (
        a.id,
        a.whom.conversation_id,
        item.sent_at,
        item.kind,
        kept["text"],
        kept["raw"],
        a.digest,
        kept["source"],
        a.quotes,
    )
