"""Usage: what minds have used, by day of the owner's zone. Written when an ask ends, however it ends."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from secondme.ports import Spent
from secondme.stores.ledger.pool import Connection, Ledger

_KEPT = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class MindsDay:
    """What one mind has used on one day."""

    mind: str
    tokens: int
    cached_tokens: int
    asks: int
    failures: int


async def record(tx: Connection, day: date, spent: Sequence[Spent]) -> None:
    """Add it up. What a contact used who was forgotten meanwhile counts for the day alone."""
    sums: dict[tuple[str, UUID | None], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in spent:
        row = sums[one.mind, one.contact_id]
        for at, number in enumerate((one.tokens, one.cached_tokens, 1, int(one.failed))):
            row[at] += number
    await tx.execute(
        """INSERT INTO spending AS s (day, mind, user_id, tokens, cached_tokens, asks, failures)
           SELECT $1, n.mind, k.id, sum(n.tokens), sum(n.cached), sum(n.asks), sum(n.failures)
           FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::int[], $7::int[])
             AS n (mind, user_id, tokens, cached, asks, failures) LEFT JOIN contacts k ON k.id = n.user_id
           GROUP BY n.mind, k.id ORDER BY n.mind, k.id
           ON CONFLICT (day, mind, user_id) DO UPDATE SET tokens = s.tokens + excluded.tokens,
             cached_tokens = s.cached_tokens + excluded.cached_tokens, asks = s.asks + excluded.asks,
             failures = s.failures + excluded.failures""",
        day,
        [mind for mind, _ in sums],
        [contact for _, contact in sums],
        *(list(column) for column in zip(*sums.values(), strict=True)),
    )


async def used(tx: Connection, day: date, contact_id: UUID | None) -> tuple[int, int]:
    """Tokens of that day: everybody's, and the contact's."""
    row = await tx.fetchrow(
        """SELECT coalesce(sum(tokens), 0)::bigint AS everybody,
             coalesce(sum(tokens) FILTER (WHERE user_id = $2), 0)::bigint AS contact FROM spending WHERE day = $1""",
        day,
        contact_id,
    )
    return (row["everybody"], row["contact"]) if row else (0, 0)


async def by_mind(tx: Connection, day: date) -> list[MindsDay]:
    """That day's use of each mind, the most used first."""
    rows = await tx.fetch(
        """SELECT mind, sum(tokens)::bigint AS tokens, sum(cached_tokens)::bigint AS cached, sum(asks)::bigint AS asks,
             sum(failures)::bigint AS failures FROM spending WHERE day = $1 GROUP BY mind ORDER BY tokens DESC, mind""",
        day,
    )
    return [MindsDay(r["mind"], r["tokens"], r["cached"], r["asks"], r["failures"]) for r in rows]


async def handed_over(tx: Connection, contact_id: UUID, since: datetime) -> bool:
    """Whether a budget's line reached, or may have reached, the contact since then."""
    found: bool = await tx.fetchval(
        """SELECT EXISTS (SELECT 1 FROM turns t JOIN deliveries d ON d.turn_id = t.id
             WHERE t.user_id = $1 AND t.created_at >= $2 AND t.rule LIKE 'budget.%' AND d.kind = 'text'
               AND d.status IN ('in_flight', 'sent', 'uncertain'))""",
        contact_id,
        since,
    )
    return found


async def purge(tx: Connection, day: date) -> None:
    """Forget what lies more than a month before that day."""
    await tx.execute("DELETE FROM spending WHERE day < $1", day - _KEPT)


class LedgerUsage:
    """The Usage port on the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._purged: date | None = None

    async def record(self, day: date, spent: Sequence[Spent]) -> None:
        async with self._ledger.light() as light:
            try:
                await record(light, day, spent)
            except asyncpg.ForeignKeyViolationError:  # a contact was forgotten this very moment
                await record(light, day, spent)
            if self._purged != day:
                await purge(light, day)
                self._purged = day

    async def used(self, day: date, contact_id: UUID | None) -> tuple[int, int]:
        async with self._ledger.light() as light:
            return await used(light, day, contact_id)

    async def handed_over(self, contact_id: UUID, since: datetime) -> bool:
        async with self._ledger.light() as light:
            return await handed_over(light, contact_id, since)
