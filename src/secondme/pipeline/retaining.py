"""What goes, and when: content past its window, rows that have said all they can, old log files."""

from datetime import timedelta
from pathlib import Path

from secondme.observe.audit import AuditLog
from secondme.observe.logs import get_logger, purge_logs
from secondme.pipeline.effects import Effects
from secondme.ports import Clock
from secondme.stores.ledger import Ledger, holding, retention

log = get_logger(__name__)


class Retention:
    """Keeps what is kept no longer than it may be. Whatever it does may be done by several at once."""

    def __init__(
        self, ledger: Ledger, effects: Effects, clock: Clock, patience: holding.Patience, kept: timedelta
    ) -> None:
        """`patience`: how long what waits may be answered, by account. `kept`: content without a window of its own."""
        self._ledger = ledger
        self._effects = effects
        self._clock = clock
        self._patience = patience
        self._kept = kept

    async def purge(self) -> None:
        """End what has waited for too long, then empty what is past its window. Raises StoreUnavailable."""
        now = self._clock.now()
        async with self._ledger.transaction() as tx:
            ended = await holding.expire_plans(tx, self._patience, now)
            ended += await retention.expire_held(tx, now)
        self._effects.settled(ended, now)
        # Each statement for itself: what one has locked never waits for the next.
        async with self._ledger.light() as connection:
            gone = await retention.purge_content(connection, now, self._kept)
            await retention.purge_rows(connection, now)
        if gone:
            log.info("content.purged", count=gone)


async def purge_files(audit: AuditLog, logs: Path) -> None:
    """Delete what is too old of the audit log, and of the logs in that folder."""
    audit.purge()
    purge_logs(logs)
